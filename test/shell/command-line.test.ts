/** A line that a page shows is read by the shell as the same call (management/command-line.ts). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from '../../src/cli/shell/grammar/parser.ts';
import type { Value } from '../../src/cli/shell/grammar/ast.ts';
import type { RawArgument } from '../../src/management/cmdlet.ts';
import { CMDLETS } from '../../src/management/cmdlets/table.ts';
import { commandLine } from '../../src/management/command-line.ts';

const cmdletNamed = (name: string) => CMDLETS.find((one) => one.name === name) ?? assert.fail(name);
const popSettings = cmdletNamed('Set-PopSettings');

describe('lines as an admin would type them', () => {
  const rows: ReadonlyArray<readonly [string, Parameters<typeof commandLine>, string]> = [
    [
      'names in full, values in quotes where they need them',
      [popSettings, { externalconn: ['mail.example.test:995:SSL', 'b:110:TLS'], Banner: "it's me" }],
      "Set-PopSettings -ExternalConnectionSettings 'mail.example.test:995:SSL','b:110:TLS' -Banner 'it''s me'",
    ],
    [
      'a list of one',
      [popSettings, { ExternalConnectionSettings: ['a:995:SSL'] }],
      'Set-PopSettings -ExternalConnectionSettings a:995:SSL',
    ],
    [
      'an empty list',
      [popSettings, { ExternalConnectionSettings: [] }],
      'Set-PopSettings -ExternalConnectionSettings @()',
    ],
    [
      'changes of a list',
      [popSettings, { SSLBindings: { add: ['0.0.0.0:1995'], remove: ['0.0.0.0:995'] } }],
      'Set-PopSettings -SSLBindings @{Add=0.0.0.0:1995; Remove=0.0.0.0:995}',
    ],
    [
      'truth, nothing, numbers, what stands first',
      [cmdletNamed('Set-CASMailbox'), { 1: 'ann other', PopEnabled: false }, { confirm: false }],
      "Set-CASMailbox 'ann other' -PopEnabled $false -Confirm:$false",
    ],
    [
      'a switch',
      [cmdletNamed('Test-PopConnectivity'), { LightMode: true, TrustAnySSLCertificate: false }],
      'Test-PopConnectivity -LightMode -TrustAnySSLCertificate:$false',
    ],
    [
      'no secret',
      [cmdletNamed('Set-Mailbox'), { Identity: 'ann', Password: 'x y z' }, { whatIf: true }],
      'Set-Mailbox -Identity ann -Password -WhatIf',
    ],
  ];
  for (const [name, args, expected] of rows) test(name, () => assert.equal(commandLine(...args), expected));
});

/** What a value of the language stands for, as far as lines of this file have any. */
function plain(value: Value): RawArgument {
  switch (value.kind) {
    case 'text':
      return value.text;
    case 'constant':
      return value.value;
    case 'list':
      return value.items.map((item) => (item.kind === 'text' ? item.text : assert.fail(item.kind)));
    default:
      return assert.fail(value.kind);
  }
}

test('any text and any list comes back as it was', () => {
  const text = fc.string({ unit: 'binary' }).filter((one) => !/[\r\n\0]/.test(one));
  fc.assert(
    fc.property(fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 5 }), fc.boolean()), (value) => {
      const line = commandLine(popSettings, { Banner: value });
      const [statement] = parse(line);
      const stage = statement?.pipeline.stages[0];
      assert.ok(stage?.kind === 'command');
      const [parameter, argument] = stage.arguments;
      assert.ok(parameter?.kind === 'parameter' && argument !== undefined && argument.kind !== 'parameter', line);
      assert.deepEqual(plain(argument), value);
    }),
  );
});
