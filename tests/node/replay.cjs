// Replays ranges with tardis-dev and prints what comes, a JSON list a line. Takes one argument, a
// JSON: `package`, `endpoint`, `cache`, `key`, `exchange`, `ranges` ([from, to]) and `snapshots`
// ([depth, interval in milliseconds]). A line is the kind, the symbol, the exchange's time and the
// arrival, both in microseconds, the bids and the asks; `begin` and `disconnect` stand alone.
'use strict'

const job = JSON.parse(process.argv[2])
const tardis = require(job.package)

function microseconds(date) {
  return Number.isNaN(date.valueOf()) ? null : date.valueOf() * 1000 + (date.μs || 0)
}

// A level that is not there has neither price nor amount.
function levels(side) {
  return side.filter((level) => level.price !== undefined).map(({ price, amount }) => [price, amount])
}

function line(message) {
  if (message.type === 'disconnect') return ['disconnect']
  const kind = message.type === 'book_change' ? message.type : message.name
  const { symbol, timestamp, localTimestamp, bids, asks } = message
  return [kind, symbol, microseconds(timestamp), microseconds(localTimestamp), levels(bids), levels(asks)]
}

async function main() {
  tardis.init({ endpoint: job.endpoint, cacheDir: job.cache, apiKey: job.key })
  const asked = job.snapshots.map(([depth, interval]) =>
    tardis.computeBookSnapshots({ depth, interval, name: `${depth}/${interval}` })
  )
  for (const [from, to] of job.ranges) {
    const lines = [['begin']]
    const range = { exchange: job.exchange, from, to, withDisconnectMessages: true }
    const replayed = tardis.replayNormalized(range, tardis.normalizeBookChanges)
    for await (const message of tardis.compute(replayed, ...asked)) lines.push(line(message))
    process.stdout.write(lines.map((each) => JSON.stringify(each) + '\n').join(''))
  }
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
