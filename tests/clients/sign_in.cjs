// Signs in with jsforce as its documentation shows, and says on standard output what came of it, a line at a time.
// The first argument is JSON: how to sign in and with what. Where it needs somebody else, it waits for a line.
const readline = require('node:readline')
const jsforce = require('jsforce')

const asked = JSON.parse(process.argv[2])
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
const hear = async () => (await lines.next()).value
const failure = (error) => ({ error: error.errorCode || error.name, message: error.message })

async function tell(connection) {
  const found = await connection.query('SELECT Id FROM User') // first: only the REST API's refusal makes it refresh
  const identity = await connection.identity()
  say({ username: identity.username, organization: connection.userInfo.organizationId, users: found.totalSize })
}

const ways = {
  async soap() {
    const connection = new jsforce.Connection({ loginUrl: asked.base, version: asked.version, logLevel: 'FATAL' })
    await connection.login(asked.username, asked.password)
    await tell(connection)
    const token = connection.accessToken
    await connection.logout()
    const late = new jsforce.Connection({ instanceUrl: asked.base, accessToken: token })
    await late.query('SELECT Id FROM User').catch((error) => say(failure(error)))
  },
  async web() {
    const oauth2 = new jsforce.OAuth2({ loginUrl: asked.base, ...asked.app, useVerifier: asked.verifier })
    say({ url: oauth2.getAuthorizationUrl({ scope: 'api refresh_token id', state: 'xyz' }) })
    const connection = new jsforce.Connection({ oauth2 })
    await connection.authorize(await hear())
    let refreshed = 0
    connection.on('refresh', () => { refreshed += 1 })
    await tell(connection)
    await hear() // meanwhile the access token expires
    await tell(connection)
    say({ refreshed })
    const { refreshToken } = connection
    await connection.logout(true)
    await oauth2.refreshToken(refreshToken).catch((error) => say(failure(error)))
  },
  async password() {
    const connection = new jsforce.Connection({ oauth2: { loginUrl: asked.base, ...asked.app } })
    await connection.login(asked.username, asked.password)
    await tell(connection)
  },
  async grant() {
    const connection = new jsforce.Connection({ oauth2: { loginUrl: asked.base, ...asked.app } })
    await connection.authorize(asked.grant)
    await tell(connection)
  },
}

ways[asked.way]().catch((error) => say(failure(error))).finally(() => process.exit(0))
