/**
 * jmap-jam in a process of its own, as a person's program would run it: trusts what NODE_EXTRA_CA_CERTS says, is told
 * where and who by its arguments, and prints what it found as JSON. (Its types are sources that our compiler refuses.)
 */
import { JamClient } from 'jmap-jam';

const [sessionUrl = '', user = '', password = ''] = process.argv.slice(2);
// It knows bearer tokens only; the field is public so that others can be sent.
const client = new JamClient({ sessionUrl, bearerToken: 'none' });
client.authHeader = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
client.session = JamClient.loadSession(sessionUrl, client.authHeader);

const session = await client.session;
if (session.accounts === undefined) {
  console.log(JSON.stringify({ refused: session.status }));
  process.exit(0);
}
const accountId = await client.getPrimaryAccount();
const [{ list }] = await client.api.Mailbox.get({ accountId });
const inbox = list.find(({ role }) => role === 'inbox');
const [{ emails }] = await client.requestMany((ask) => {
  const ids = ask.Email.query({ accountId, filter: { inMailbox: inbox.id }, sort: [{ property: 'receivedAt' }] });
  return { ids, emails: ask.Email.get({ accountId, ids: ids.$ref('/ids'), properties: ['subject'] }) };
});
const { blobId, size } = await client.uploadBlob(accountId, 'hello');
const response = await client.downloadBlob({ accountId, blobId, mimeType: 'text/plain', fileName: 'greeting.txt' });
console.log(
  JSON.stringify({
    accountId,
    total: inbox.totalEmails,
    subjects: emails.list.map(({ subject }) => subject).sort((a, b) => a.localeCompare(b)),
    uploaded: size,
    downloaded: await response.text(),
    disposition: response.headers.get('content-disposition'),
  }),
);
