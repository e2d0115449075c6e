import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../observe/failure.ts';
import { Budget, type BudgetLimits, Budgets } from './budget.ts';

function clocked(limits: BudgetLimits): { budget: Budget; pass: (ms: number) => void; set: (l: BudgetLimits) => void } {
  let now = 0;
  let current = limits;
  const budget = new Budget(
    () => current,
    () => now,
  );
  return { budget, pass: (ms) => (now += ms), set: (l) => (current = l) };
}

const limits: BudgetLimits = { maxBurst: 1_000, rechargeRate: 3_600_000, cutoffBalance: Infinity };

test('within the burst nobody waits; behind it the wait grows with the debt, up to five seconds', () => {
  const { budget } = clocked(limits);
  assert.equal(budget.admit(), 0);
  budget.charge(900);
  assert.equal(budget.admit(), 0);
  budget.charge(300);
  assert.equal(budget.admit(), 200);
  budget.charge(1_000_000);
  assert.equal(budget.admit(), 5_000);
});

test('the budget recharges by the hour and never above the burst', () => {
  const { budget, pass } = clocked({ ...limits, rechargeRate: 600_000 });
  budget.charge(1_600);
  assert.equal(budget.admit(), 600);
  pass(3_600);
  assert.ok(Math.abs(budget.admit() - 0) < 1);
  pass(1e9);
  assert.equal(budget.balance <= 1_000, true);
  budget.admit();
  assert.equal(budget.balance, 1_000);
});

test('below the cut-off the user is refused until the budget is full again', () => {
  const { budget, pass } = clocked({ ...limits, cutoffBalance: 500, rechargeRate: 3_600_000 });
  budget.charge(1_600);
  assert.throws(
    () => budget.admit(),
    (error: unknown) => error instanceof Failure && error.code === 'LIMIT' && /CutoffBalance/.test(error.message),
  );
  pass(700);
  assert.throws(() => budget.admit(), 'still refused above the cut-off, as long as it is not full');
  pass(1_000);
  assert.equal(budget.admit(), 0);
});

test('unlimited costs nothing, and a policy that changes counts at once', () => {
  const { budget, set } = clocked({ maxBurst: Infinity, rechargeRate: 0, cutoffBalance: Infinity });
  budget.charge(1e12);
  assert.equal(budget.admit(), 0);
  set(limits);
  budget.charge(1_500);
  assert.equal(budget.admit(), 500);
});

test('sessions of one user share a budget, and what is full and unused is forgotten', () => {
  const budgets = new Budgets(undefined, () => 0);
  const one = budgets.enter('ada', () => limits);
  const two = budgets.enter('ada', () => limits);
  assert.equal(one.budget, two.budget);
  assert.equal(budgets.concurrency('ada'), 2);
  one.budget.charge(10);
  one.leave();
  one.leave();
  assert.equal(budgets.concurrency('ada'), 1);
  two.leave();
  assert.equal(budgets.enter('ada', () => limits).budget, one.budget, 'spent: remembered');
});
