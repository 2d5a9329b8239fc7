// Authorities of one's own, and https servers that they vouch for or don't: made by the openssl command.
'use strict';

const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const https = require('node:https');
const { tmpdir } = require('node:os');
const path = require('node:path');

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const CONFIG = `[ca]
default_ca = one
[one]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;

// One that vouches for servers; whoever trusts it has `file` as SSL_CERT_FILE. All bear the same name.
class Authority {
  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), 'switchboard-authority-'));
    this.file = path.join(this.folder, 'ca.crt');
    writeFileSync(path.join(this.folder, 'config'), CONFIG);
    writeFileSync(path.join(this.folder, 'index'), '');
    this.openssl('req', '-x509', ...KEY, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=An authority');
  }

  openssl(...more) { execFileSync('openssl', more, { cwd: this.folder, stdio: 'pipe' }); }

  // What a server of this name shows, from one year's beginning to another's.
  vouch(name, { from = '2000', to = '2999' } = {}) {
    writeFileSync(path.join(this.folder, 'names'), `subjectAltName=${name}\n`);
    this.openssl('req', ...KEY, '-keyout', 'key', '-out', 'request', '-subj', '/CN=a server');
    this.openssl('ca', '-batch', '-config', 'config', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-in', 'request', '-out', 'crt',
      '-notext', '-extfile', 'names', '-startdate', `${from}0101000000Z`, '-enddate', `${to}0101000000Z`);
    const read = (file) => readFileSync(path.join(this.folder, file));
    return { key: read('key'), cert: read('crt') };
  }

  end() { rmSync(this.folder, { recursive: true, force: true }); }
}

// What the server at 127.0.0.1 may show to whoever trusts this authority: `good`, and each of the bad.
function shown(authority) {
  const other = new Authority();
  try {
    return {
      good: authority.vouch('IP:127.0.0.1'),
      bad: {
        'of another authority': other.vouch('IP:127.0.0.1'),
        'that has expired': authority.vouch('IP:127.0.0.1', { to: '2001' }),
        'for another host': authority.vouch('DNS:localhost, IP:127.0.0.2'),
      },
    };
  } finally {
    other.end();
  }
}

// An https server on a port of its own, and how it ends.
async function serve(certificate, listener) {
  const server = https.createServer(certificate, listener);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const end = () => { server.close(); server.closeAllConnections(); };
  return { url: `https://127.0.0.1:${server.address().port}`, end, server };
}

module.exports = { Authority, serve, shown };
