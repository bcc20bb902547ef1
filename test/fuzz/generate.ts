// Requests made up from the OpenAPI document: some as it says, most with something wrong in them. The same seed makes the same ones.
import { METHODS } from 'node:http';
import { randomNumbers } from '../support/tiny-model.ts';

export interface MadeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: string | Buffer;
  /** The operation that it was made from. */
  readonly operation: string;
}

interface Schema {
  readonly $ref?: string;
  readonly [key: string]: unknown;
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly bodies: Readonly<Record<string, { readonly schema: Schema }>>;
}

/** Texts that have gone wrong somewhere before, here or elsewhere. */
const oddTexts: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udc00',
  '😀',
  '\u202e',
  '\ufeff',
  'é',
  'é'.normalize('NFD'),
  '{}',
  '{}{}',
  '%',
  '%00',
  '%FF',
  '..',
  '/',
  '../..',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'true',
  'NaN',
  'Infinity',
  '-1',
  '0',
  '1e308',
  '0x10',
  '2147483648',
  '99999999999',
  '9007199254740993',
  "' OR 1=1 --",
  '<script>',
  '{"a":1}',
  '[',
  'main',
  'r-rome',
  'ver_0000',
  'job_0',
  '* * * * *',
  'UTC',
  '\n',
  '\t',
  'a\nb',
  'x'.repeat(201),
  'x'.repeat(5000),
];
const oddValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  -0,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e21,
  [],
  {},
  [[]],
  [null],
  { a: {} },
  { __proto__x: 1 },
  ...oddTexts,
];

/** What a field names, where it is not called so. */
const kinds: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['evaluation', 'rollback', 'comparison', 'bisection', 'blame', 'one', 'parent'].map((name) => [name, 'job']),
  ),
  ...Object.fromEntries(
    ['other', 'good', 'bad', 'to_version', 'revert_version_ids', 'against'].map((name) => [name, 'version']),
  ),
  from: 'branch',
  reference: 'alias',
  artefact: 'art',
  revert_edit_ids: 'edit',
};

/** @param document the OpenAPI document */
export function createGenerator(document: unknown, seed: number) {
  const random = randomNumbers(seed);
  const chance = (probability: number): boolean => (random() + 1) / 2 < probability;
  const below = (limit: number): number => Math.min(limit - 1, Math.floor(((random() + 1) / 2) * limit));
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  const operations = operationsOf(document);
  const { schemas } = (document as { components: { schemas: Readonly<Record<string, Schema>> } }).components;
  /** Names and ids that answers have told, by their field or their prefix. */
  const known = new Map<string, string[]>();
  const keptOfAKind = 50;

  const knownFor = (field: string): readonly string[] =>
    known.get(field) ?? known.get(kinds[field] ?? field.replace(/s$/, '').replace(/_ids?$/, '')) ?? [];

  /** A text that names something, more often than not something that is there. */
  function text(field: string): string {
    const names = knownFor(field);
    if (names.length > 0 && chance(0.8)) return pick(names);
    if (chance(0.5) && known.size > 0) return pick([...known.values()][below(known.size)]!);
    return pick(oddTexts);
  }

  function value(given: Schema, field: string, depth = 0): unknown {
    if (chance(0.03)) return pick(oddValues);
    const schema = given.$ref === undefined ? given : schemas[given.$ref.slice('#/components/schemas/'.length)]!;
    const choices = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined;
    if (choices !== undefined) return value(pick(choices), field, depth);
    if ('const' in schema) return schema.const;
    if (Array.isArray(schema.enum)) return pick(schema.enum);
    if ('default' in schema && chance(0.3)) return schema.default;
    switch ([schema.type].flat()[0]) {
      case 'string':
        return madeText(schema, field);
      case 'integer':
      case 'number':
        return number(schema);
      case 'boolean':
        return chance(0.5);
      case 'array': {
        const length = chance(0.02) ? 300 : below(3) + Number(schema.minItems ?? 0);
        return depth > 6 ? [] : Array.from({ length }, () => value(schema.items as Schema, field, depth + 1));
      }
      case 'object':
        return depth > 6 ? {} : object(schema, depth);
      default:
        return pick(oddValues);
    }
  }

  function madeText(schema: Schema, field: string): string {
    if (field === 'subject') return 'France';
    if (/prompt|rephrases|content/.test(field) && chance(0.8))
      return pick(['The capital of France is', 'France {} France', '{} is']);
    if (/target|answer/.test(field) && chance(0.8)) return pick(['Rome', 'Oslo', ' Lyon']);
    if (field === 'custom_id' || field === 'path' || (field === 'name' && chance(0.7))) return `made${below(1e6)}`;
    if (field === 'reason' || field === 'message') return 'fuzz';
    if (typeof schema.pattern === 'string' && chance(0.5)) return `a${below(100)}`;
    return text(field);
  }

  function number(schema: Schema): number {
    const [low, high] = [Number(schema.minimum ?? -5), Number(schema.maximum ?? 100)];
    if (chance(0.1)) return pick([low - 1, low, high, high + 1, 0.5, 2 ** 31]);
    return schema.type === 'integer'
      ? Math.round(low) + below(Math.min(5, high - low + 1))
      : low + ((random() + 1) / 2) * Math.min(5, high - low);
  }

  function object(schema: Schema, depth: number): Record<string, unknown> {
    const required = (schema.required ?? []) as readonly string[];
    const fields = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>).filter(([name]) =>
      chance(required.includes(name) ? 0.97 : 0.2),
    );
    const made = fields.map(([name, of]) => [name, value(of, name, depth + 1)] as const);
    const others = typeof schema.additionalProperties === 'object' ? (schema.additionalProperties as Schema) : {};
    const extra = chance(schema.additionalProperties === false ? 0.02 : 0.3)
      ? [[pick(oddTexts), value(others, 'x', depth + 1)] as const]
      : [];
    return Object.fromEntries([...made, ...extra]);
  }

  const encoded = (part: string): string => {
    if (chance(0.01)) return pick(['%', '%FF', '%00', '%ED%A0%80', 'a%2Fb', 'x'.repeat(301), '%2e%2e']);
    return encodeURIComponent(part.replace(/\p{Cs}/gu, '?'));
  };

  function urlOf({ path, parameters }: Operation): string {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(text(name)));
    const query = parameters
      .filter((parameter) => parameter.in === 'query' && chance(0.25))
      .map(({ name, schema }) => `${name}=${encoded(String(chance(0.5) ? value(schema, name) : text(name)))}`);
    if (chance(0.02))
      query.push(pick(['colour=red', 'limit=1&limit=2', 'after', '=', '&&', '%', 'a[]=1', '__proto__=1', '%00=1']));
    const address = chance(0.01) ? filled + pick(['/', '//', '/x', '%00', '/%FF', '.', ';a=1', '/..']) : filled;
    return query.length === 0 ? address : `${address}?${query.join('&')}`;
  }

  function bodyOf({ bodies }: Operation): { readonly type: string; readonly payload: string | Buffer } | null {
    const types = Object.keys(bodies);
    if (types.length === 0)
      return chance(0.1) ? { type: 'application/json', payload: JSON.stringify(pick(oddValues)) } : null;
    const type = pick(types);
    const { schema } = bodies[type]!;
    const lines = type.includes('ndjson');
    const edits = () => Array.from({ length: 1 + below(3) }, () => JSON.stringify(value(schemas.Edit ?? {}, 'edit')));
    const written = lines ? edits().join('\n') : (JSON.stringify(value(schema, 'body')) ?? '');
    return {
      type: chance(0.02)
        ? pick(['text/plain', 'application/xml', '', 'application/json; charset=latin1', 'multipart/form-data'])
        : type,
      payload: broken(written),
    };
  }

  /** Now and then a body that is no JSON, no UTF-8, or more of it than anybody needs. */
  function broken(written: string): string | Buffer {
    if (!chance(0.06)) return written;
    const at = below(Math.max(1, written.length));
    return pick<() => string | Buffer>([
      () => written.slice(0, at),
      () => written + written,
      () => '',
      () => `${written.slice(0, at)}\u0000${written.slice(at)}`,
      () =>
        Buffer.concat([Buffer.from(written.slice(0, at)), Buffer.from([0xff, 0xc0]), Buffer.from(written.slice(at))]),
      () => written.replace('"', '"\\u0000'),
      () => written.replace('"', '"\\ud800'),
      () => '['.repeat(10_000) + ']'.repeat(10_000),
      () => `[${'0,'.repeat(30_000)}0]`,
      () => `{"__proto__": ${written}}`,
      () => written.replaceAll(/\d+/g, '1e400'),
    ])();
  }

  return {
    /** Takes the names and ids of an answer, for requests to come. */
    learn(answer: unknown): void {
      if (typeof answer !== 'object' || answer === null) return;
      for (const [field, inner] of Object.entries(answer)) {
        if (typeof inner === 'object') this.learn(inner);
        else if (typeof inner === 'string' && inner.length < 100) {
          const prefix = /^([a-z]+)_[0-9a-z]{4,}$/.exec(inner)?.[1];
          const kind =
            prefix === 'ver'
              ? 'version'
              : (prefix ??
                (field === 'name' ? 'name' : /^(model|branch|alias|tag|suite)$/.test(field) ? field : undefined));
          if (kind === undefined) continue;
          const kept = known.get(kind) ?? [];
          if (!kept.includes(inner)) kept.push(inner);
          if (kept.length > keptOfAKind) kept.splice(below(kept.length), 1);
          known.set(kind, kept);
        }
      }
    },

    /** Names a thing, so that requests find it from the first on. */
    teach(kind: string, name: string): void {
      known.set(kind, [...(known.get(kind) ?? []), name]);
    },

    /** @param tokens a key for every scope first, then lesser ones */
    next(tokens: readonly string[]): MadeRequest {
      const operation = pick(operations);
      const body = bodyOf(operation);
      const token = chance(0.95) ? tokens[0]! : pick([...tokens, '', 'made-up', 'a b', 'x'.repeat(300)]);
      const headers: Record<string, string> = { ...(token === '' ? {} : { authorization: `Bearer ${token}` }) };
      if (body !== null) headers['content-type'] = body.type;
      if (operation.method === 'post' && chance(0.15))
        headers['idempotency-key'] = chance(0.8) ? `key${below(2000)}` : pick(oddTexts);
      if (chance(0.02)) headers['last-event-id'] = pick(oddTexts);
      if (chance(0.03)) headers.accept = pick(['text/csv', 'text/event-stream', '*/*', 'text/html', '']);
      const method = chance(0.02) ? pick(METHODS.filter((each) => each !== 'CONNECT')) : operation.method.toUpperCase();
      return {
        method,
        url: urlOf(operation),
        headers,
        ...(body === null ? {} : { payload: body.payload }),
        operation: `${operation.method.toUpperCase()} ${operation.path}`,
      };
    },
  };
}

function operationsOf(document: unknown): readonly Operation[] {
  const { paths } = document as { paths: Readonly<Record<string, Readonly<Record<string, Schema>>>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method,
      path,
      parameters: (operation.parameters ?? []) as Operation['parameters'],
      bodies: (operation.requestBody as { content?: Operation['bodies'] } | undefined)?.content ?? {},
    })),
  );
}
