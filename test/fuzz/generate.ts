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
  ...Object.fromEntries(['one', 'other_job', 'parent'].map((name) => [name, 'job'])),
  ...Object.fromEntries(
    ['other', 'good', 'bad', 'to_version', 'revert_version_ids', 'against', 'parent_version_id', 'if_version_id'].map(
      (name) => [name, 'version'],
    ),
  ),
  from: 'branch',
  reference: 'alias',
  artefact: 'art',
  revert_edit_ids: 'edit',
  default_editor: 'editor',
  job_id: 'edit_job',
};

const oddCursors = ['0', '1', '2', '2147483647', '2147483648', '99999999999', '9007199254740993', '-1', '1e3'];
const oddQueries = [
  'colour=red',
  'limit=1&limit=2',
  'limit=-1',
  'after',
  '=',
  '&&',
  '%',
  'a[]=1',
  '__proto__=1',
  '%00=1',
  'state=',
  'after=99999999999',
];

/** What a parameter of a path names. */
function kindOf(path: string, name: string, method: string): string {
  if (name === 'branch')
    return path.startsWith('/v1/branches') ? 'branch_id' : method === 'delete' ? 'made_branch' : 'branch';
  return name === 'edit' && path.includes('/inbox/') ? 'inbox' : name;
}

/** Kinds of jobs that are resources of their own. */
const jobKinds: Readonly<Record<string, string>> = {
  evaluation: 'evaluation',
  rollback: 'rollback',
  comparison: 'comparison',
  bisect: 'bisection',
  blame: 'blame',
};

/** Of these fields a request has one. */
const alternatives: readonly (readonly string[])[] = [
  ['edits', 'edits_jsonl', 'probes', 'probes_jsonl', 'suite'],
  ['to_version', 'revert_edit_ids', 'revert_version_ids'],
  ['layers', 'editor'],
];

/** @param document the OpenAPI document */
export function createGenerator(document: unknown, seed: number) {
  const random = randomNumbers(seed);
  const chance = (probability: number): boolean => (random() + 1) / 2 < probability;
  const below = (limit: number): number => Math.min(limit - 1, Math.floor(((random() + 1) / 2) * limit));
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  const operations = operationsOf(document).flatMap((operation) => {
    // There is more to get wrong in a body.
    const weight = Object.keys(operation.bodies).length > 0 ? 3 : 1;
    return Array<Operation>(weight).fill(operation);
  });
  const { schemas } = (document as { components: { schemas: Readonly<Record<string, Schema>> } }).components;
  /** Names and ids that answers have told, by their field or their prefix. */
  const known = new Map<string, string[]>();
  const keptOfAKind = 50;

  /** How often something is put wrong in the request that is being made: a part of all requests is right. */
  let oddness = 0;
  const odd = (): boolean => chance(oddness);

  const knownFor = (field: string): readonly string[] =>
    known.get(field) ?? known.get(kinds[field] ?? field.replace(/s$/, '').replace(/_ids?$/, '')) ?? [];

  /** A text that names something; what is not there in requests that are wrong. */
  function text(field: string): string {
    const names = knownFor(field);
    if (names.length > 0 && !odd()) return pick(names);
    return chance(0.5) ? pick(oddTexts) : pick([...known.values()][below(known.size)]!);
  }

  function value(given: Schema, field: string, depth = 0): unknown {
    if (odd()) return pick(oddValues);
    if ((field === 'edits' || field === 'probes') && depth === 2)
      return field === 'edits' ? value(schemas.Edit!, 'edit', 3) : probe();
    if (field === 'rules') return chance(0.5) ? [] : [{ metric: 'reliability', min: 0.5 }];
    if (/_jsonl$/.test(field)) return field === 'edits_jsonl' ? lines() : JSON.stringify(probe());
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

  const probe = () => ({
    prompt: pick(['The capital of Chad is', 'Rome is']),
    ...(chance(0.7) ? { target: 'Lyon' } : {}),
  });
  const lines = (): string =>
    Array.from({ length: 1 + below(3) }, () => JSON.stringify(value(schemas.Edit!, 'edit', 3))).join('\n');

  function madeText(schema: Schema, field: string): string {
    if (field === 'subject') return 'France';
    if (/prompt|rephrases|content/.test(field) && !odd())
      return pick(['The capital of France is', 'France {} France', '{} is']);
    if (/target|answer|aliases/.test(field) && !odd()) return pick(['Rome', 'Oslo', ' Lyon']);
    if (field === 'custom_id' || field === 'path' || (field === 'name' && !odd())) return `made${below(1e6)}`;
    if (field === 'reason' || field === 'message') return 'fuzz';
    if (field === 'after') return chance(0.5) ? pick(oddCursors) : text(pick([...known.keys()]));
    if (field === 'cron') return '*/5 * * * *';
    if (field === 'time_zone') return 'Europe/Berlin';
    if (typeof schema.pattern === 'string' && knownFor(field).length === 0) return `a${below(100)}`;
    return text(field);
  }

  function number(schema: Schema): number {
    const [low, high] = [Number(schema.minimum ?? -5), Number(schema.maximum ?? 100)];
    if (odd()) return pick([low - 1, low, high, high + 1, 0.5, 2 ** 31]);
    return schema.type === 'integer'
      ? Math.round(low) + below(Math.min(5, high - low + 1))
      : low + ((random() + 1) / 2) * Math.min(5, high - low);
  }

  function object(schema: Schema, depth: number): Record<string, unknown> {
    const required = (schema.required ?? []) as readonly string[];
    const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
    const groups = alternatives
      .map((group) => group.filter((name) => name in properties))
      .filter(({ length }) => length > 1);
    const chosen = groups.map((group) => pick(group));
    const wanted = (name: string): number => {
      const group = groups.findIndex((each) => each.includes(name));
      if (group >= 0) return chosen[group] === name ? 0.97 : oddness;
      return required.includes(name) ? 1 - oddness : 0.12;
    };
    const fields = Object.entries(properties).filter(([name]) => chance(wanted(name)));
    const made = fields.map(([name, of]) => [name, value(of, name, depth + 1)] as const);
    const others = typeof schema.additionalProperties === 'object' ? (schema.additionalProperties as Schema) : {};
    const extra = chance(typeof schema.additionalProperties === 'object' && depth > 2 ? 0.1 : oddness)
      ? [[pick(oddTexts), value(others, 'x', depth + 1)] as const]
      : [];
    return Object.fromEntries([...made, ...extra]);
  }

  const encoded = (part: string): string => {
    if (odd()) return pick(['%', '%FF', '%00', '%ED%A0%80', 'a%2Fb', 'x'.repeat(301), '%2e%2e']);
    return encodeURIComponent(part.replace(/\p{Cs}/gu, '?'));
  };

  function urlOf({ method, path, parameters }: Operation): string {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(text(kindOf(path, name, method))));
    const query = parameters
      .filter((parameter) => parameter.in === 'query' && chance(0.2))
      .map(({ name, schema }) => `${name}=${encoded(String(value(schema, name)))}`);
    if (odd()) query.push(pick(oddQueries));
    const address = odd() ? filled + pick(['/', '//', '/x', '%00', '/%FF', '.', ';a=1', '/..']) : filled;
    return query.length === 0 ? address : `${address}?${query.join('&')}`;
  }

  function bodyOf({ bodies, path }: Operation): { readonly type: string; readonly payload: string | Buffer } | null {
    const types = Object.keys(bodies);
    if (types.length === 0)
      return odd() ? { type: 'application/json', payload: JSON.stringify(pick(oddValues)) } : null;
    const type = pick(types);
    // Of an inbox the document says no more than that an edit is an object.
    const schema = path.endsWith('/inbox') && !odd() ? schemas.Edit! : bodies[type]!.schema;
    const written = type.includes('ndjson') ? lines() : (JSON.stringify(value(schema, 'body')) ?? '');
    return {
      type: odd()
        ? pick(['text/plain', 'application/xml', '', 'application/json; charset=latin1', 'multipart/form-data'])
        : type,
      payload: broken(written),
    };
  }

  /** Now and then a body that is no JSON, no UTF-8, or more of it than anybody needs. */
  function broken(written: string): string | Buffer {
    if (!odd()) return written;
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

  function keep(kind: string, name: string): void {
    const kept = known.get(kind) ?? [];
    if (kept.includes(name)) return;
    kept.push(name);
    if (kept.length > keptOfAKind) kept.splice(below(kept.length), 1);
    known.set(kind, kept);
  }

  return {
    /** Takes the names and ids of an answer, for requests to come. */
    learn(answer: unknown): void {
      if (typeof answer !== 'object' || answer === null) return;
      const { object, kind, id, name } = answer as Readonly<Record<string, unknown>>;
      if (typeof object === 'string' && typeof name === 'string')
        keep(object === 'branch' ? 'made_branch' : object, name);
      if (object === 'branch' && typeof name === 'string') keep('branch', name);
      if (object === 'job' && kind === 'edit' && typeof id === 'string') keep('edit_job', id);
      if (object === 'job' && typeof id === 'string' && typeof kind === 'string') keep(jobKinds[kind] ?? 'job', id);
      for (const inner of Object.values(answer)) {
        if (typeof inner === 'object') this.learn(inner);
        if (typeof inner !== 'string' || inner.length > 100) continue;
        const prefix = /^([a-z]+)_[0-9a-z]{4,}$/.exec(inner)?.[1];
        if (prefix === undefined) continue;
        keep(prefix === 'ver' ? 'version' : prefix === 'branch' ? 'branch_id' : prefix, inner);
      }
    },

    /** Names a thing, so that requests find it from the first on. */
    teach(kind: string, name: string): void {
      keep(kind, name);
    },

    /** @param tokens a key for every scope first, then lesser ones */
    next(tokens: readonly string[]): MadeRequest {
      oddness = pick([0, 0, 0.05, 0.1, 0.3]);
      const operation = pick(operations);
      const body = bodyOf(operation);
      const token = chance(0.97) ? tokens[0]! : pick([...tokens, '', 'made-up', 'a b', 'x'.repeat(300)]);
      const headers: Record<string, string> = { ...(token === '' ? {} : { authorization: `Bearer ${token}` }) };
      if (body !== null) headers['content-type'] = body.type;
      if (operation.method === 'post' && chance(0.15))
        headers['idempotency-key'] = chance(0.8) ? `key${below(2000)}` : pick(oddTexts);
      if (odd()) headers['last-event-id'] = pick(oddTexts);
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
