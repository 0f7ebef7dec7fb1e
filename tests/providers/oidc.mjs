// SPDX-License-Identifier: Apache-2.0
// An OpenID provider (oidc-provider) for tests: node oidc.mjs SETTINGS, a JSON file with
//   certificate, key   PEM files, for https on 127.0.0.1
//   port               0: the kernel chooses; "ready PORT" on stdout says which
//   keys               file of private keys; made when it is not there, so that a restart keeps them and removing it changes them
//   clients            {id: secret}, each may use client_credentials, introspection and revocation
// A token is asked for with resource=urn:chat:FORM:SECONDS, FORM being opaque or an algorithm. All else is kept in memory.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import Provider from 'oidc-provider'

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'))

const PAIRS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
}

function makeKeys() {
  const keys = Object.entries(PAIRS).map(([alg, make]) => ({
    ...make().privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg + '-' + randomBytes(4).toString('hex'),
  }))
  writeFileSync(settings.keys, JSON.stringify(keys), { mode: 0o600 })
  return keys
}

function resource(_, indicator) {
  const [, , form, seconds] = indicator.split(':')
  const shared = { scope: 'chat', audience: 'gateward', accessTokenTTL: Number(seconds) }
  return form === 'opaque' ? { ...shared, accessTokenFormat: 'opaque' }
    : { ...shared, accessTokenFormat: 'jwt', jwt: { sign: { alg: form } } }
}

const server = createServer({ cert: readFileSync(settings.certificate), key: readFileSync(settings.key) })
server.listen(settings.port, '127.0.0.1', () => {
  const port = server.address().port
  const provider = new Provider(`https://127.0.0.1:${port}`, {
    jwks: { keys: existsSync(settings.keys) ? JSON.parse(readFileSync(settings.keys, 'utf8')) : makeKeys() },
    clients: Object.entries(settings.clients).map(([client_id, client_secret]) => ({
      client_id, client_secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope: 'chat',
    })),
    scopes: ['chat'],
    extraTokenClaims: () => ({ roles: ['user'] }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: resource, defaultResource: () => undefined },
    },
  })
  server.on('request', provider.callback())
  console.log('ready ' + port)
})
