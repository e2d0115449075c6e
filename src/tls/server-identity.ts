/**
 * How servers of one organization prove to each other who they are: TLS 1.3 with certificates of an authority that
 * signs for servers only and that no client ever trusts (design.md §6, exchange-behaviour.md §13: a change of the
 * client certificate must not break the links between servers). The server's id stands in the certificate.
 */
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import type { ServerId } from '../directory/model.ts';

export interface ServerIdentity {
  /** This server's. */
  readonly server: ServerId;
  /**
   * For a listener that only servers of the organization may reach: TLS 1.3, a certificate of the peer demanded and
   * checked before anything is read. Ask for every connection (`new TLSSocket`, `isServer`): the answer is cheap and
   * always holds the current certificate.
   */
  listenerOptions(): TlsOptions;
  /** For dialling that server: the peer has to prove to be it, whatever host name leads there. */
  dialOptions(peer: ServerId): ConnectionOptions;
  /**
   * Who the other side of a finished handshake has proved to be.
   * @throws Failure AUTHENTICATIONFAILED when nobody: no certificate, another authority's, an expired one
   */
  peer(socket: TLSSocket): ServerId;
}
