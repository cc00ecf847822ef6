"""A real IPFS node (js-ipfs, from npm) for tests and demo. Nothing that runs in earnest needs it."""
