// Replays a range with tardis-dev and prints one JSON: seconds of each run, what was counted, and
// the most memory that the process held. Takes one argument, a JSON: see tardis_dev.py.
'use strict'

const fs = require('fs')

const job = JSON.parse(process.argv[2])
const tardis = require(job.package)

function messages() {
  const range = { exchange: job.exchange, from: job.from, to: job.to }
  const replayed = tardis.replayNormalized(range, tardis.normalizeTrades, tardis.normalizeBookChanges)
  if (!job.snapshots) return replayed
  return tardis.compute(replayed, tardis.computeBookSnapshots({ depth: 25, interval: 0 }))
}

// Counts what was in the slices, and the snapshots made of it. The clock runs from the first
// message, so that the start of tardis-dev's worker thread is not counted, to the last.
async function run() {
  const counted = { messages: 0, snapshots: 0 }
  let started, ended
  for await (const message of messages()) {
    if (started === undefined) started = clocks()
    if (message.type === 'book_snapshot') counted.snapshots++
    else counted.messages++
    if (counted.messages === job.messages) ended = clocks()
  }
  if (ended === undefined) ended = clocks()
  return { seconds: ended.wall - started.wall, cpu: ended.cpu - started.cpu, ...counted }
}

// Both in seconds; the CPU time is that of all threads.
function clocks() {
  const { user, system } = process.cpuUsage()
  return { wall: Number(process.hrtime.bigint()) / 1e9, cpu: (user + system) / 1e6 }
}

function peakBytes() {
  try {
    const status = fs.readFileSync('/proc/self/status', 'ascii')
    return Number(/VmHWM:\s+(\d+)/.exec(status)[1]) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}

async function main() {
  tardis.init({ endpoint: job.endpoint, cacheDir: job.cache })
  const first = await run() // fills the cache, and lets the engine compile
  const runs = []
  const begun = clocks().wall
  while (runs.length < job.runs) {
    runs.push(await run())
    if (clocks().wall - begun > job.seconds) break
  }
  const { messages, snapshots } = first
  const same = runs.every((other) => other.messages === messages && other.snapshots === snapshots)
  const seconds = runs.map((other) => other.seconds)
  const cpu = runs.map((other) => other.cpu)
  console.log(JSON.stringify({ same, messages, snapshots, seconds, cpu, peak: peakBytes() }))
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  }
)
