/** STARTTLS (RFC 3207). */
import type { Buffer } from 'node:buffer';
import { reply } from '../../grammar/reply.ts';
import type { SmtpContext } from '../context.ts';

export async function starttls(context: SmtpContext, argument: Buffer): Promise<void> {
  if (context.encrypted) {
    context.protocolError(reply(503, '5.5.1', 'TLS is active already'));
    return;
  }
  if (!context.connector.authMechanism.includes('Tls')) {
    context.protocolError(reply(502, '5.5.1', 'STARTTLS is not offered'));
    return;
  }
  if (argument.length > 0) {
    context.protocolError(reply(501, '5.5.4', 'STARTTLS takes no argument'));
    return;
  }
  if (context.connection.buffered > 0) {
    // Commands slipped in before the handshake would be taken for the client's own (CVE-2011-0411).
    context.log.warn({ remote: context.remote.address }, 'bytes were pipelined behind STARTTLS');
    context.finish(reply(554, '5.5.0', 'nothing may follow STARTTLS before the handshake, closing connection'));
    return;
  }
  context.respond(reply(220, '2.0.0', 'ready to start TLS'));
  await context.connection.startTls(context.handshake());
  await context.forget();
}
