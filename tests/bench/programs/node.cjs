// npm's players by their own interface: node node.cjs peerflix|webtorrent FOLDER. Prints and reads what `ours` does.
'use strict'
const fs = require('fs')
const [kind, folder] = process.argv.slice(2)

const serve = {
  peerflix (library) {
    // What its command line sets, but for DHT: only the tracker may lead to peers.
    return metainfo => {
      const engine = library(metainfo, { connections: 100, path: folder, port: 0, dht: false })
      engine.server.on('listening', () => listening(engine.server.address().port, '/'))
    }
  },
  webtorrent (library) {
    const client = new library({ dht: false, lsd: false })
    return metainfo => client.add(metainfo, { path: folder }, torrent => {
      const server = torrent.createServer()
      server.listen(0, () => listening(server.address().port, '/0/' + encodeURIComponent(torrent.files[0].name)))
    })
  }
}

function listening (port, path) {
  console.log(`listening http://127.0.0.1:${port}${path}`)
}

const start = serve[kind](require(kind))
process.stdin.once('data', line => start(fs.readFileSync(line.toString().trim())))
console.log('ready')
