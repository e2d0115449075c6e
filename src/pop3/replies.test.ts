import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { Failure, type FailureCode } from '../observe/failure.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { Replies } from './replies.ts';
import { findLanguage, LANGUAGES } from './texts/languages.ts';

function said(act: (replies: Replies, out: ByteWriter) => void, replies = new Replies()): string {
  const chunks: Buffer[] = [];
  const out = new ByteWriter((chunk) => chunks.push(Buffer.from(chunk)));
  act(replies, out);
  out.flush();
  return Buffer.concat(chunks).toString('utf8');
}

/** Every text of a language, with arguments where it takes some. */
function allTexts(texts: (typeof LANGUAGES)[number]['texts']): string[] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') found.push(value);
    else if (typeof value === 'function') walk(value('LIST', 12_345));
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
  };
  walk(texts);
  return found;
}

describe('languages (RFC 6856 §3, RFC 4647 §3.4)', () => {
  for (const [range, tag] of [
    ['en', 'en'],
    ['EN-us', 'en'],
    ['de-AT-1996', 'de'],
    ['de-x-private', 'de'],
    ['es-419', 'es'],
    ['*', 'en'],
    ['mul', null],
    ['x-klingon', null],
    ['eng', null],
  ] as const) {
    it(`${range} is ${tag}`, () => assert.equal(findLanguage(range)?.tag ?? null, tag));
  }

  for (const { tag, texts } of LANGUAGES) {
    it(`${tag}: every text is one line that fits; English is ASCII`, () => {
      const all = allTexts(texts);
      assert.ok(all.length > 40);
      for (const text of all) {
        assert.ok(Buffer.byteLength(text) < 400 && text.trim() === text && text !== '', text);
        assert.ok(!/\p{Cc}/u.test(text), text);
        if (tag === 'en') assert.match(text, /^[\x20-\x7e]+$/);
      }
    });
  }

  it('translations differ from English and keep their arguments', () => {
    const [english, ...others] = LANGUAGES;
    assert.ok(english !== undefined);
    for (const { tag, texts } of others) {
      assert.notEqual(texts.noSuchMessage, english.texts.noSuchMessage, tag);
      assert.match(texts.deleted(4711), /4711/);
      assert.match(texts.listing(12, 345), /12.*345/);
      assert.match(texts.commandTooLong(512), /512/);
      assert.match(texts.mistake.unknownCommand('XYZZY'), /XYZZY/);
    }
  });
});

describe('Replies', () => {
  it('is ASCII until LANG, whatever an error says', () => {
    const text = said((replies, out) => replies.failure(out, new Failure('UNAVAILABLE', 'Datenbank „Süd“ fehlt')));
    assert.equal(text, '-ERR [SYS/TEMP] Datenbank ?S?d? fehlt\r\n');
  });

  it('is UTF-8 behind LANG; code and protocol words stay', () => {
    const text = said((replies, out) => {
      assert.ok(replies.lang(out, 'de'));
      replies.failure(out, new Failure('INUSE', 'in use'));
      replies.failure(out, new Failure('UNAVAILABLE', 'Datenbank „Süd“ fehlt'));
      replies.ok(out);
    });
    assert.equal(
      text,
      '+OK de Sprache geändert\r\n-ERR [IN-USE] Das Postfach wird gerade verschoben oder gelöscht\r\n' +
        '-ERR [SYS/TEMP] Datenbank „Süd“ fehlt\r\n+OK\r\n',
    );
  });

  it('goes on in the language the front end tells, and forgets it at STLS', () => {
    const replies = new Replies('fr', 'de');
    assert.equal(replies.language, 'fr');
    assert.equal(
      said((each, out) => each.lang(out, '*'), replies),
      '+OK de Sprache geändert\r\n',
    );
    replies.reset();
    assert.equal(replies.language, null);
    assert.equal(replies.texts.bye, 'bye');
  });

  it('an unknown language changes nothing', () => {
    const replies = new Replies('es');
    assert.equal(
      said((each, out) => assert.equal(each.lang(out, 'tlh'), false), replies),
      '-ERR el idioma TLH no es conocido\r\n',
    );
    assert.equal(replies.language, 'es');
  });

  const CODES: ReadonlyArray<readonly [FailureCode, string]> = [
    ['AUTHENTICATIONFAILED', '[AUTH] '],
    ['AUTHORIZATIONFAILED', '[AUTH] '],
    ['PRIVACYREQUIRED', '[AUTH] '],
    ['EXPIRED', '[AUTH] '],
    ['INUSE', '[IN-USE] '],
    ['UNAVAILABLE', '[SYS/TEMP] '],
    ['LIMIT', '[SYS/TEMP] '],
    ['EXPUNGEISSUED', '[SYS/TEMP] '],
    ['SERVERBUG', '[SYS/TEMP] '],
    ['CONTACTADMIN', '[SYS/PERM] '],
    ['CORRUPTION', '[SYS/PERM] '],
    ['CANNOT', ''],
    ['NONEXISTENT', ''],
  ];
  for (const [code, tag] of CODES) {
    it(`${code} is ${tag || 'told without a code'}`, () => {
      assert.equal(
        said((replies, out) => replies.failure(out, new Failure(code, 'x'))),
        `-ERR ${tag}x\r\n`,
      );
    });
  }
});
