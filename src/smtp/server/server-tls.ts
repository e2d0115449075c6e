/**
 * TLS options of a handshake: certificate by name (SNI), no client certificates. Secure contexts are kept as long as
 * the options object they were made of: parsing a key for each handshake would cost a millisecond.
 */
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocketOptions } from 'node:tls';

export class ServerTls {
  readonly #optionsFor: (serverName: string | null) => SecureContextOptions;
  readonly #contexts = new WeakMap<SecureContextOptions, SecureContext>();

  constructor(optionsFor: (serverName: string | null) => SecureContextOptions) {
    this.#optionsFor = optionsFor;
  }

  handshakeOptions(): TLSSocketOptions {
    return {
      secureContext: this.#context(null),
      SNICallback: (serverName, done) => {
        try {
          done(null, this.#context(serverName));
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
      requestCert: false,
    };
  }

  #context(serverName: string | null): SecureContext {
    const options = this.#optionsFor(serverName);
    let context = this.#contexts.get(options);
    if (context === undefined) {
      context = createSecureContext(options);
      this.#contexts.set(options, context);
    }
    return context;
  }
}
