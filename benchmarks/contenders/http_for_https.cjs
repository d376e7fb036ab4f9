// tardis-dev fetches with `https.get` and nothing else; the loopback Tardis speaks plain HTTP. So
// requests to loopback go through `http.get`. Loaded before anything else, in worker threads too.
'use strict'

const http = require('http')
const https = require('https')

const secure = https.get

https.get = (url, options, callback) =>
  String(url).startsWith('http://127.0.0.1:')
    ? http.get(url, { ...options, agent: undefined }, callback)
    : secure(url, options, callback)
