"""The backend: a read model of the chain in SQL, served over HTTP, and the keeper that enforces deadlines.

```text
settings     what the operator chooses, read once
database     connections, transactions, exact column types, migrations
models       the read model's tables
projection   events -> read model; a pure function of the events' order
undo         before-images of recent blocks, so that a reorg can be taken back
source       what the indexer asks of a chain, and the adapter to a node
indexer      follows the canonical chain and keeps the read model in step
specs        reads projects' specifications from storage, once each
evaluations  accuracy as owners report it, with their signatures
tokens       what tokens say of themselves
keeper       calls `poke` where a deadline has passed
queries      what the routes read
evidence     settled rounds, evidence bundles and explanations out of indexed events
api/         routes and public schemas
limits       sizes, pace and rates of requests; quota: of uploads
errors       which exception becomes which HTTP status
app          composition root and lifespan
server       uvicorn, and what it lacks against slow clients
cli          `steelyard backend run | rebuild | status`
```

The chain is the source of truth and the database a cache: deleting it loses logins and what owners published, no more.
Nothing here can move money.
"""
