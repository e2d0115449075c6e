import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CMDLETS } from '../cmdlets/table.ts';
import { commonParameters } from '../binding.ts';
import { basicCredentials } from '../../web/session/basic.ts';
import { openApiDocument } from './openapi.ts';

describe('Basic credentials (RFC 7617)', () => {
  const encoded = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const rows: ReadonlyArray<readonly [string, string | undefined, ReturnType<typeof basicCredentials>]> = [
    ['user and password', encoded('ann@example.test:secret'), { user: 'ann@example.test', password: 'secret' }],
    ['a password with colons', encoded('ann:a:b'), { user: 'ann', password: 'a:b' }],
    ['UTF-8 (§2.1)', encoded('jörg:pässwörd'), { user: 'jörg', password: 'pässwörd' }],
    ['the scheme in any case', encoded('a:b').replace('Basic', 'bAsIc'), { user: 'a', password: 'b' }],
    ['an empty password', encoded('a:'), { user: 'a', password: '' }],
    ['no header', undefined, null],
    ['another scheme', 'Bearer abc', null],
    ['no colon', encoded('ann'), null],
    ['no name', encoded(':secret'), null],
    ['no base64', 'Basic ä', null],
  ];
  for (const [name, header, expected] of rows) test(name, () => assert.deepEqual(basicCredentials(header), expected));
});

describe('the OpenAPI document', () => {
  const document: unknown = JSON.parse(JSON.stringify(openApiDocument(CMDLETS, '1.2.3')));
  const at = (...keys: readonly string[]): unknown => {
    let value = document;
    for (const key of keys) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
    return value;
  };

  test('is OpenAPI 3.1 with Basic logons for everything', () => {
    assert.equal(at('openapi'), '3.1.0');
    assert.deepEqual(at('security'), [{ basic: [] }]);
    assert.equal(at('components', 'securitySchemes', 'basic', 'scheme'), 'basic');
  });

  test('describes every cmdlet with every parameter, and marks secrets', () => {
    for (const cmdlet of CMDLETS) {
      const post = ['paths', `/admin/cmdlets/${cmdlet.name}`, 'post'];
      assert.equal(at(...post, 'operationId'), cmdlet.name);
      const schema = [...post, 'requestBody', 'content', 'application/json', 'schema'];
      const properties = at(...schema, 'properties');
      assert.ok(typeof properties === 'object' && properties !== null);
      assert.deepEqual(
        Object.keys(properties),
        [...cmdlet.parameters, ...commonParameters(cmdlet)].map((one) => one.name),
      );
      assert.deepEqual(
        at(...schema, 'required') ?? [],
        cmdlet.parameters.filter((one) => one.required === true).map((one) => one.name),
      );
      for (const one of cmdlet.parameters)
        assert.equal(at(...schema, 'properties', one.name, 'writeOnly') === true, one.secret === true, one.name);
    }
  });

  test('whole numbers have their range, enumerations their names', () => {
    const of = (cmdlet: string, parameter: string, key: string): unknown =>
      at(
        'paths',
        `/admin/cmdlets/${cmdlet}`,
        'post',
        'requestBody',
        'content',
        'application/json',
        'schema',
        'properties',
        parameter,
        key,
      );
    assert.deepEqual(
      [of('Set-PopSettings', 'MaxConnections', 'minimum'), of('Set-PopSettings', 'MaxConnections', 'maximum')],
      [1, 2_147_483_647],
    );
    assert.deepEqual(of('Set-PopSettings', 'LoginType', 'enum'), [
      'PlainTextLogin',
      'PlainTextAuthentication',
      'SecureLogin',
    ]);
  });

  test('every reference leads somewhere and every operation has its own id', () => {
    const ids: unknown[] = [];
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        if (key === '$ref') assert.notEqual(at(...String(inner).slice(2).split('/')), undefined, String(inner));
        if (key === 'operationId') ids.push(inner);
        walk(inner);
      }
    };
    walk(document);
    assert.equal(new Set(ids).size, ids.length);
  });
});
