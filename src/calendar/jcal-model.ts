/** Components, properties and values of jCal (RFC 7265 §3) as types, and looking into them. Never changed, only copied. Pure. */
export type JCalScalar = string | number | boolean;
export type JCalValue = JCalScalar | readonly JCalScalar[] | ReadonlyMap<string, JCalValue>;

export interface Property {
  /** Lower case, as all names here. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string | readonly string[]>;
  readonly type: string;
  readonly values: readonly JCalValue[];
}

export interface Component {
  readonly name: string;
  readonly properties: readonly Property[];
  readonly components: readonly Component[];
}

export const isScalar = (value: unknown): value is JCalScalar =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const isMap = (value: JCalValue | undefined): value is ReadonlyMap<string, JCalValue> => value instanceof Map;

export const propertiesOf = (component: Component, name: string): readonly Property[] =>
  component.properties.filter((property) => property.name === name);

export const propertyOf = (component: Component, name: string): Property | null =>
  component.properties.find((property) => property.name === name) ?? null;

export const componentsOf = (component: Component, name: string): readonly Component[] =>
  component.components.filter((one) => one.name === name);

/** First value as text; null: there is none, or it is no text. */
export function textOf(component: Component, name: string): string | null {
  const value = propertyOf(component, name)?.values[0];
  return typeof value === 'string' ? value : null;
}

/** A whole number; 0 when missing or no number. */
export function wholeOf(component: Component, name: string): number {
  const value = propertyOf(component, name)?.values[0];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
}

export function parameterOf(property: Property, name: string): string | null {
  const value = property.parameters.get(name);
  return typeof value === 'string' ? value : (value?.[0] ?? null);
}

/** The members of a structured value (RRULE). */
export function membersOf(property: Property): ReadonlyMap<string, JCalValue> | null {
  const [value] = property.values;
  return isMap(value) ? value : null;
}

export function property(
  name: string,
  type: string,
  values: readonly JCalValue[],
  parameters: Readonly<Record<string, string | null>> = {},
): Property {
  const given = new Map<string, string>();
  for (const [key, value] of Object.entries(parameters)) if (value !== null) given.set(key, value);
  return { name, type, values, parameters: given };
}

/** With `properties` in place of all of those names. */
export function replaced(component: Component, names: readonly string[], properties: readonly Property[]): Component {
  return {
    ...component,
    properties: [...component.properties.filter(({ name }) => !names.includes(name)), ...properties],
  };
}
