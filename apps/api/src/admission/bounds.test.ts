// Every array, map, text and whole number that a request may hold has a bound, so that nothing is looked at without end.
import { expect, test } from 'vitest';
import { describeApi } from '../openapi/describe.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly [key: string]: unknown;
}

test('no request of the document can hold anything without a bound', async () => {
  const document = JSON.parse(await describeApi());
  const unbounded: string[] = [];
  const seen = new Set<string>();

  function visit(schema: Schema, where: string): void {
    const { $ref } = schema;
    if ($ref !== undefined) {
      if (seen.has($ref)) return;
      seen.add($ref);
      const name = $ref.slice('#/components/schemas/'.length);
      visit(document.components.schemas[name], name);
      return;
    }
    const miss = (what: string) => unbounded.push(`${where}: ${what}`);
    const types = [schema.type].flat();
    const chosen = 'enum' in schema || 'const' in schema;
    if (types.includes('string') && !chosen && !('maxLength' in schema) && !isAnchored(schema.pattern)) miss('a text');
    if (types.includes('integer') && !(Number(schema.maximum) <= 2 ** 32)) miss('a whole number');
    if (types.includes('array') && !('maxItems' in schema)) miss('an array');
    const others = schema.additionalProperties;
    if (typeof others === 'object' && !('maxProperties' in schema)) miss('a map');
    if (types.includes('object') && others === undefined && schema.properties === undefined) miss('an open object');
    const inner: (readonly [string, unknown])[] = [
      ...Object.entries((schema.properties as object | undefined) ?? {}),
      ['items', schema.items],
      ['values', others],
      ['names', schema.propertyNames],
      ...(['anyOf', 'oneOf', 'allOf'] as const).flatMap((key) =>
        ((schema[key] as Schema[] | undefined) ?? []).map((each, i) => [`${key}.${i}`, each] as const),
      ),
    ];
    for (const [name, each] of inner)
      if (typeof each === 'object' && each !== null) visit(each as Schema, `${where}.${name}`);
  }

  let requests = 0;
  for (const [path, operations] of Object.entries<Record<string, Schema>>(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const where = `${method} ${path}`;
      for (const parameter of (operation.parameters ?? []) as { name: string; schema: Schema }[]) {
        requests += 1;
        visit(parameter.schema, `${where} ${parameter.name}`);
      }
      const content = (operation.requestBody as { content?: Record<string, { schema: Schema }> } | undefined)?.content;
      for (const { schema } of Object.values(content ?? {})) {
        requests += 1;
        visit(schema, `${where} body`);
      }
    }
  }
  expect(unbounded).toEqual([]);
  expect(requests).toBeGreaterThan(150);
});

/** A pattern that bounds a text by itself: anchored, without a repetition that has no end. */
const isAnchored = (pattern: unknown): boolean =>
  typeof pattern === 'string' && /^\^.*\$$/.test(pattern) && !/[*+]|,\}/.test(pattern.replace(/\[[^\]]*\]/g, 'x'));
