// Listens with tardis-dev to a live feed until it closes, and prints what came, a JSON list a line.
// Takes one argument, a JSON: `package`, `exchange`, `url` and `symbols`. A line is the kind, the
// symbol, the exchange's time in milliseconds, and what the kind has:
// book_change (whether it is a whole book, bids, asks), trade (id, side, price, amount),
// derivative_ticker (last price, mark price, open interest).
'use strict'

const job = JSON.parse(process.argv[2])
// Where the client looks before it takes the exchange's own address.
process.env[`WSS_URL_${job.exchange.toUpperCase()}`] = job.url
const tardis = require(job.package)

const levels = (side) => side.map(({ price, amount }) => [price, amount])

const contents = {
  book_change: ({ isSnapshot, bids, asks }) => [isSnapshot, levels(bids), levels(asks)],
  trade: ({ id, side, price, amount }) => [id, side, price, amount],
  derivative_ticker: ({ lastPrice, markPrice, openInterest }) => [lastPrice, markPrice, openInterest]
}

// It would try again for ever.
function fail(error) {
  console.error(error)
  process.exit(1)
}

async function main() {
  const messages = tardis.streamNormalized(
    { exchange: job.exchange, symbols: job.symbols, withDisconnectMessages: true, onError: fail },
    tardis.normalizeBookChanges,
    tardis.normalizeTrades,
    tardis.normalizeDerivativeTickers
  )
  const lines = []
  for await (const message of messages) {
    if (message.type === 'disconnect') break
    const { type, symbol, timestamp } = message
    lines.push(JSON.stringify([type, symbol, timestamp.valueOf(), ...contents[type](message)]) + '\n')
  }
  // Timers of the client's are still set.
  process.stdout.write(lines.join(''), () => process.exit(0))
}

main().catch(fail)
