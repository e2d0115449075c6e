/**
 * What a table of effects is: for a parameter a dialogue, what it says before a change and what after it. A parameter
 * without a dialogue of its own names the test that shows it, or the line of the parity document that says why nothing
 * can be shown.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawArguments } from '../../src/management/binding.ts';
import type { RawArgument } from '../../src/management/cmdlet.ts';
import type { SettingsStage } from './stage.ts';

export type Given = readonly [noun: string, identity: RawArguments, name: string, value: RawArgument];

export interface Effect {
  /** As in the reference. */
  readonly name: string;
  /** What is seen, for the title. */
  readonly shows: string;
  readonly identity?: RawArguments;
  /** Set one after the other before both dialogues, and taken back behind them. */
  readonly given?: readonly Given[];
  readonly value: (stage: SettingsStage) => RawArgument | Promise<RawArgument>;
  readonly dialogue: (stage: SettingsStage) => Promise<string>;
  readonly before: RegExp;
  readonly after: RegExp;
}

export interface Elsewhere {
  readonly name: string;
  /** Below src/ or test/. */
  readonly file: string;
  /** Words of the title; the file has them. */
  readonly title: string;
}

/** `names` stand in docs/exchange-parity.md as kept or no, with a reason. */
export interface EffectTable {
  readonly noun: string;
  readonly identity: RawArguments;
  readonly effects: readonly Effect[];
  readonly elsewhere: readonly Elsewhere[];
  readonly parity: readonly string[];
}

const typed = (shown: string): RawArgument => (shown === '' ? null : shown);

export function testEffects(table: EffectTable, stage: () => SettingsStage): void {
  for (const effect of table.effects) {
    const { name, given = [], identity = table.identity } = effect;
    test(`${table.noun} ${name}: ${effect.shows}`, async () => {
      const server = stage();
      const undo: Array<() => Promise<void>> = [];
      const set = async (...[noun, id, parameter, value]: Given): Promise<void> => {
        const old = await server.get(noun, id, parameter);
        undo.push(() => server.set(noun, id, parameter, typed(old)));
        await server.set(noun, id, parameter, value);
      };
      const dialogue = async (): Promise<string> => {
        try {
          return await effect.dialogue(server);
        } finally {
          await server.everybodyLeaves();
        }
      };
      try {
        for (const one of given) await set(...one);
        assert.match(await dialogue(), effect.before, 'before');
        await set(table.noun, identity, name, await effect.value(server));
        assert.match(await dialogue(), effect.after, 'after');
      } finally {
        for (const step of undo.reverse()) await step();
      }
    });
  }
}
