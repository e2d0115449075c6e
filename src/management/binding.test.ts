import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  binding as bindingType,
  boolean,
  byteSize,
  connectionSetting,
  duration,
  enumeration,
  integer,
  listOf,
  text,
} from '../directory/settings/value-types.ts';
import { Failure } from '../observe/failure.ts';
import { bindArguments, ITEMS_PER_ARGUMENT, matchParameter, type RawArguments } from './binding.ts';
import type { ChangingCmdlet, CmdletObject, Parameter } from './cmdlet.ts';
import { readRawArguments } from './cmdlet-json.ts';

const identity: Parameter<string> = {
  name: 'Identity',
  type: text({ min: 1, max: 100 }),
  required: true,
  position: 1,
  fromPipeline: true,
  help: 'Which one. More words.',
};
const size: Parameter<number> = {
  name: 'MaxCommandSize',
  type: byteSize({ min: 40, max: 1024 * 1024, unlimited: true }),
  position: 2,
  help: 'Size.',
};
const connections: Parameter<number> = {
  name: 'MaxConnections',
  type: integer({ min: 1, max: 100 }),
  help: 'Count.',
};
const perAddress: Parameter<number> = {
  name: 'MaxConnectionFromSingleIP',
  aliases: ['MaxConnectionsFromSingleIP'],
  type: integer({ min: 1, max: 100 }),
  help: 'Count.',
};
const timeout: Parameter<number> = {
  name: 'Timeout',
  type: duration({ min: 10, max: 3600 }),
  help: 'Time.',
};
const loginType: Parameter<string> = {
  name: 'LoginType',
  type: enumeration(['PlainTextLogin', 'PlainTextAuthentication', 'SecureLogin'], 1),
  help: 'Which.',
};
const settings: Parameter<ReadonlyArray<{ host: string; port: number }>> = {
  name: 'ExternalConnectionSettings',
  type: listOf(connectionSetting),
  help: 'Where.',
};
const bindings = { name: 'SSLBindings', type: listOf(bindingType), help: 'Where.' };
const light: Parameter<boolean> = { name: 'LightMode', type: boolean, isSwitch: true, help: 'Less.' };
const password: Parameter<string> = {
  name: 'Password',
  type: text({ min: 8, max: 100 }),
  secret: true,
  help: 'Secret.',
};

const cmdlet: ChangingCmdlet = {
  name: 'Set-Thing',
  changes: true,
  synopsis: '',
  parameters: [identity, size, connections, perAddress, timeout, loginType, settings, bindings, light, password],
  examples: [],
  roles: ['Organization Management'],
  columns: [],
  plan: () => Promise.reject(new Error('not run here')),
};
const bind = (raw: RawArguments, input: CmdletObject | null = null) =>
  bindArguments(cmdlet, { Identity: 'x', ...raw }, input).args;

describe('names', () => {
  const means: ReadonlyArray<readonly [string, string]> = [
    ['Identity', 'Identity'],
    ['IDENTITY', 'Identity'],
    ['-id', 'Identity'],
    ['MaxConnectionsFromSingleIP', 'MaxConnectionFromSingleIP'],
    ['maxconnectionf', 'MaxConnectionFromSingleIP'],
    // Exact counts before prefix: it begins the other one's alias, too.
    ['MaxConnections', 'MaxConnections'],
    ['ExternalConnectionSetting', 'ExternalConnectionSettings'],
    ['wh', 'WhatIf'],
    ['cf', 'Confirm'],
    ['verb', 'Verbose'],
  ];
  for (const [typed, name] of means) {
    test(`${typed} means ${name}`, () => assert.equal(matchParameter(cmdlet, typed).name, name));
  }

  test('more than one candidate: all are named', () => {
    assert.throws(() => matchParameter(cmdlet, 'max'), {
      code: 'CANNOT',
      message: /-max may mean -MaxCommandSize, -MaxConnections, -MaxConnectionFromSingleIP/,
    });
  });
  test('unknown: the nearest is named', () => {
    assert.throws(() => matchParameter(cmdlet, 'LogonType'), /no parameter -LogonType; did you mean -LoginType\?/);
  });
  test('what only reads has no -WhatIf', () => {
    const reading = { ...cmdlet, changes: false };
    assert.throws(() => matchParameter(reading, 'WhatIf'), /no parameter -WhatIf/);
    assert.equal(matchParameter(reading, 'Verbose').name, 'Verbose');
  });
  test('property: every beginning that no other parameter has means its parameter, in any case', () => {
    const names = [
      ...cmdlet.parameters.flatMap((one) =>
        [one.name, ...(one.aliases ?? [])].map((name) => [name, one.name] as const),
      ),
      ...['WhatIf', 'Confirm', 'Verbose'].map((name) => [name, name] as const),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(40),
        fc.array(fc.boolean(), { maxLength: 40 }),
        (pair, n, upper) => {
          const [name, parameter] = pair;
          const cut = name.slice(0, 1 + (n % name.length));
          const typed = cut.replaceAll(/./g, (c, i: number) => (upper[i] === true ? c.toUpperCase() : c.toLowerCase()));
          const others = names.filter(
            ([other, of]) => of !== parameter && other.toLowerCase().startsWith(cut.toLowerCase()),
          );
          const isShortName = ['wi', 'cf', 'vb'].includes(cut.toLowerCase());
          if (isShortName) return;
          const exact = names.find(([other]) => other.toLowerCase() === cut.toLowerCase());
          if (exact !== undefined) {
            assert.equal(matchParameter(cmdlet, typed).name, exact[1]);
            return;
          }
          if (others.length === 0) assert.equal(matchParameter(cmdlet, typed).name, parameter);
          else assert.throws(() => matchParameter(cmdlet, typed), /may mean/);
        },
      ),
    );
  });
});

describe('values', () => {
  const accepted: ReadonlyArray<readonly [string, () => unknown, unknown]> = [
    ['a size with its unit', () => bind({ MaxCommandSize: '2KB' }).get(size), 2048],
    ['a size as a JSON number', () => bind({ MaxCommandSize: 512 }).get(size), 512],
    ['unlimited', () => bind({ MaxCommandSize: 'unlimited' }).get(size), Number.POSITIVE_INFINITY],
    ['a time span', () => bind({ Timeout: '00:10:00' }).get(timeout), 600],
    ['an enumeration by number', () => bind({ LoginType: 3 }).get(loginType), 'SecureLogin'],
    ['an enumeration by name in any case', () => bind({ LoginType: 'securelogin' }).get(loginType), 'SecureLogin'],
    ['a switch', () => bind({ LightMode: true }).get(light), true],
    ['a switch that is off', () => bind({ LightMode: '$false' }).get(light), false],
    ['a list in braces', () => bind({ LoginType: ['SecureLogin'] }).get(loginType), 'SecureLogin'],
    ['not given', () => bind({}).optional(size), undefined],
    ['$null clears a list', () => bind({ ExternalConnectionSettings: null }).get(settings), []],
    ['the second value without a name', () => bind({ '1': '4KB' }).get(size), 4096],
  ];
  for (const [name, actual, expected] of accepted) test(name, () => assert.deepEqual(actual(), expected));

  const refusedRows: ReadonlyArray<readonly [string, RawArguments, RegExp]> = [
    ['out of range', { MaxConnections: 101 }, /-MaxConnections must be 1–100, not "101"/],
    ['no number', { MaxConnections: 'many' }, /must be 1–100, not "many"/],
    ['an enumeration, nearly', { LoginType: 'SecureLogon' }, /not "SecureLogon"; did you mean SecureLogin\?/],
    ['$null for one value', { MaxConnections: null }, /not \$null/],
    ['several for one', { MaxConnections: [1, 2] }, /takes one value, not 2/],
    ['an edit of one value', { MaxConnections: { add: [1], remove: [] } }, /holds one value/],
    ['one bad item of a list', { SSLBindings: ['0.0.0.0:993', 'x'] }, /each item an address and port.*not "x"/],
    ['twice by two names', { MaxConnections: 1, 'maxconnections ': 2 }, /-MaxConnections is given twice/],
    ['too many values without a name', { '1': 50, '2': 'extra' }, /"extra" stands alone/],
    ['a question that is no answer', { Confirm: 'perhaps' }, /-Confirm must be \$true or \$false/],
  ];
  for (const [name, raw, message] of refusedRows) {
    test(`refused: ${name}`, () => assert.throws(() => bind(raw), { code: 'CANNOT', message }));
  }

  test('a refused secret is not repeated', () => {
    assert.throws(
      () => bind({ Password: 'short' }),
      (error) => error instanceof Failure && !/short/.test(error.message),
    );
  });
  test('missing: every required one is named with what it is', () => {
    assert.throws(() => bindArguments(cmdlet, {}), /Set-Thing needs -Identity \(Which one\)$/);
  });
  test('a list is bounded', () => {
    const many = Array.from({ length: ITEMS_PER_ARGUMENT + 1 }, () => 'a:1');
    assert.throws(() => bind({ ExternalConnectionSettings: many }), { code: 'TOOBIG' });
  });
  test('given names stand in the order of the cmdlet', () => {
    assert.deepEqual(bind({ LoginType: 1, MaxConnections: 5 }).given, ['Identity', 'MaxConnections', 'LoginType']);
  });
  test('-WhatIf and -Confirm are told apart from not given', () => {
    const plain = bindArguments(cmdlet, { Identity: 'x' });
    assert.deepEqual([plain.whatIf, plain.confirm, plain.verbose], [null, null, false]);
    const given = bindArguments(cmdlet, { Identity: 'x', WhatIf: true, confirm: '$false', vb: true });
    assert.deepEqual([given.whatIf, given.confirm, given.verbose], [true, false, true]);
  });
});

describe('lists that are edited', () => {
  const current = [
    { host: 'a', port: 1, encryption: 'SSL' },
    { host: 'b', port: 2, encryption: 'none' },
  ];
  const edit = (add: string[], remove: string[]) =>
    bind({ ExternalConnectionSettings: { add, remove } }).edited(settings, current);

  test('add and remove, compared without case; what is there already is not doubled', () => {
    const edited = edit(['C:3', 'a:1:ssl'], ['B:2']);
    assert.deepEqual(edited, [current[0], { host: 'C', port: 3, encryption: 'none' }]);
  });
  test('removing what is not there says what is', () => {
    assert.throws(() => edit([], ['z:9']), /z:9 cannot be removed, it holds a:1:SSL, b:2/);
  });
  test('a plain list takes the place of the old one', () => {
    assert.deepEqual(bind({ ExternalConnectionSettings: 'x:1,y:2' }).edited(settings, current)?.length, 2);
  });
  test('not given stays undefined', () => assert.equal(bind({}).edited(settings, current), undefined));
  test('for something new an edit is its additions', () => {
    assert.equal(bind({ ExternalConnectionSettings: { add: ['x:1'], remove: [] } }).get(settings).length, 1);
    assert.throws(
      () => bind({ ExternalConnectionSettings: { add: [], remove: ['x:1'] } }).get(settings),
      /nothing yet/,
    );
  });
});

describe('the pipeline', () => {
  test('Identity comes from the object, sizes with their exact value', () => {
    const args = bindArguments(cmdlet, {}, { Name: 'n', identity: 'from pipe' }).args;
    assert.equal(args.get(identity), 'from pipe');
  });
  test('a given value counts more', () => {
    assert.equal(bind({}, { Identity: 'from pipe' }).get(identity), 'x');
  });
  test('a property of the own name counts before Identity', () => {
    const sized: ChangingCmdlet = { ...cmdlet, parameters: [{ ...size, fromPipeline: true }] };
    const input = { Identity: 'no size', MaxCommandSize: { text: '1 KB (1,024 bytes)', value: 1024 } };
    assert.equal(bindArguments(sized, {}, input).args.get(size), 1024);
  });
  test('refused where nothing is taken from it', () => {
    const deaf: ChangingCmdlet = { ...cmdlet, parameters: [connections] };
    assert.throws(() => bindArguments(deaf, {}, { Identity: 'x' }), /takes nothing from the pipeline/);
  });
});

describe('whatever comes', () => {
  const scalar = fc.oneof(fc.string(), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom(...cmdlet.parameters.map((one) => one.name), '1', '2', 'WhatIf', '__proto__', 'toString'),
  );
  test('property: any JSON is bound or refused with a Failure, and what is bound reads back', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          names,
          fc.oneof(
            scalar,
            fc.constant(null),
            fc.array(scalar),
            fc.record({ Add: fc.array(scalar), remove: fc.array(scalar) }),
            fc.jsonValue(),
          ),
        ),
        (json) => {
          try {
            const { args } = bindArguments(cmdlet, readRawArguments(json));
            const one: ReadonlyArray<Parameter<unknown>> = [
              identity,
              size,
              connections,
              perAddress,
              timeout,
              loginType,
              light,
              password,
            ];
            for (const parameter of one) if (args.has(parameter)) assert.notEqual(args.get(parameter), undefined);
            args.edited(settings, []);
          } catch (error) {
            assert.ok(error instanceof Failure, String(error));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('property: adding a list and removing it again leaves what was', () => {
    const item = fc
      .tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.integer({ min: 1, max: 65_535 }))
      .map(([h, p]) => `${h}:${p}`);
    fc.assert(
      fc.property(fc.uniqueArray(item), fc.uniqueArray(item), (was, more) => {
        const fresh = more.filter((one) => !was.includes(one));
        const start = bind({ ExternalConnectionSettings: was }).get(settings);
        const added = bind({ ExternalConnectionSettings: { add: fresh, remove: [] } }).edited(settings, start) ?? [];
        assert.equal(added.length, was.length + fresh.length);
        const back = bind({ ExternalConnectionSettings: { add: [], remove: fresh } }).edited(settings, added);
        assert.deepEqual(back, start);
      }),
    );
  });
});
