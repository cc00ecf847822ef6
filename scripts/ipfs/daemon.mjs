// A real IPFS node on 127.0.0.1 for tests and demo: js-ipfs with the Kubo RPC API and a trustless gateway.
//
//   node daemon.mjs REPOSITORY SWARM_PORT API_PORT GATEWAY_PORT
//
// It knows nobody: no bootstrap peers, no discovery, no routing, no preloading. Whoever wants two of them to talk
// connects them (`swarm/connect`). Prints one JSON object when it answers, and ends on SIGTERM or when its standard
// input does, so that it does not outlive whoever started it.

import { createServer } from 'node:http'

// libp2p, as it resolves today, wants a function that Node has from version 22 on.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}

// A search that runs out of time leaves a rejection behind that js-ipfs nowhere handles. Node would end for it.
process.on('unhandledRejection', reason => console.error('unhandled:', reason))

const { create } = await import('ipfs-core')
const { HttpApi } = await import('ipfs-http-server')
const { CID } = await import('multiformats/cid')

const [repo, swarmPort, apiPort, gatewayPort] = process.argv.slice(2)

const node = await create({
  repo,
  silent: true,
  preload: { enabled: false },
  init: { emptyRepo: true, algorithm: 'Ed25519', profiles: ['test'] },
  config: {
    Bootstrap: [],
    Discovery: { MDNS: { Enabled: false }, webRTCStar: { Enabled: false } },
    Routing: { Type: 'none' },
    Addresses: {
      Swarm: [`/ip4/127.0.0.1/tcp/${swarmPort}`],
      API: `/ip4/127.0.0.1/tcp/${apiPort}`,
      Gateway: '',
      Delegates: [],
      Preload: []
    }
  }
})
const api = new HttpApi(node)
await api.start()

// The gateway that comes with js-ipfs does not know `?format=raw`, so this is the part of the trustless gateway's
// specification that serves single blocks.
const gateway = createServer(async (request, response) => {
  const found = /^\/ipfs\/([a-z2-7]+)\?format=raw$/.exec(request.url)
  if (!found) return response.writeHead(404).end()
  try {
    const block = await node.block.get(CID.parse(found[1]), { timeout: 2000 })
    response.writeHead(200, { 'Content-Type': 'application/vnd.ipld.raw', 'Content-Length': block.length })
    response.end(block)
  } catch {
    response.writeHead(504).end()
  }
})
await new Promise(resolve => gateway.listen(Number(gatewayPort), '127.0.0.1', resolve))

const { id, addresses } = await node.id()
console.log(JSON.stringify({ id: id.toString(), addresses: addresses.map(String) }))

const stop = async () => {
  gateway.close()
  await Promise.allSettled([api.stop(), node.stop()])
  process.exit(0)
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.stdin.on('end', stop).resume()
