// What the generated document still needs: names of operations, failures, only the schemas in use, plain names, lines as a body, edits described.
import { STATUS_CODES } from 'node:http';
import { longestJsonl } from '@errata/contracts';
import { ndjsonContentType } from '../requests/edits.ts';
import { failures, operationId, problemResponses } from './operations.ts';

export interface OpenapiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OpenapiOperation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, OpenapiSchema>>; readonly responses?: object };
}

interface OpenapiOperation {
  requestBody?: { content: Record<string, unknown> };
  operationId?: string;
  readonly security?: readonly unknown[];
  responses: Record<string, unknown>;
}

interface OpenapiSchema {
  properties?: Record<string, object>;
}

const prefix = '#/components/schemas/';

/** The generator writes every schema twice, as it comes in (`NameInput`) and as it goes out (`Name`), used or not. */
export function tidyDocument(document: OpenapiDocument): OpenapiDocument {
  describeEdits(document);
  const used = schemasInUse(document);
  const renamed = (name: string) => {
    const plain = name.replace(/Input$/, '');
    return used.has(plain) ? name : plain;
  };
  const text = JSON.stringify(document, (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') return prefix + renamed(value.slice(prefix.length));
    // The pattern behind a date-time says nothing that the format does not; a bound does.
    if (isTime(value)) return { type: 'string', format: 'date-time', maxLength: value.maxLength };
    // Says of a list of given places that there are no more; generators of clients take no schema for false.
    if (key === 'items' && value === false) return undefined;
    if (isAlternative(value) && value.anyOf.length === 1) return value.anyOf[0];
    if (key === 'responses') return describeResponses(value as Responses);
    return value;
  });
  const tidied = JSON.parse(text) as OpenapiDocument;
  describeOperations(tidied);
  const schemas = Object.entries(tidied.components?.schemas ?? {})
    .filter(([name]) => used.has(name))
    .map(([name, schema]) => [renamed(name), schema] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...tidied,
    components: { ...tidied.components, schemas: Object.fromEntries(schemas), responses: inUse(tidied) },
  };
}

/** Edits are checked one by one, each complaint with its place; for the generator they are unknown values. */
function describeEdits({ paths, components }: OpenapiDocument): void {
  const body = paths?.['/v1/edit_jobs']?.post?.requestBody;
  if (body !== undefined) {
    const description = 'One edit a line; the other fields come as query parameters.';
    body.content[ndjsonContentType] = { schema: { type: 'string', maxLength: longestJsonl, description } };
  }
  const properties = components?.schemas?.EditJobRequestInput?.properties;
  if (properties !== undefined) properties.edits = { ...properties.edits, items: { $ref: `${prefix}EditInput` } };
}

/** The problems that some operation refers to. */
const inUse = ({ paths }: OpenapiDocument): object => {
  const text = JSON.stringify(paths);
  return Object.fromEntries(Object.entries(problemResponses).filter(([name]) => text.includes(`/${name}"`)));
};

/** Names, and what each may fail with; the default stays for what proxies add. */
function describeOperations({ paths }: OpenapiDocument): void {
  for (const [path, methods] of Object.entries(paths ?? {}))
    for (const [method, operation] of Object.entries(methods)) {
      const { default: otherwise, ...responses } = operation.responses;
      operation.operationId = operationId(method, path, JSON.stringify(responses).includes('"has_more"'));
      const asked = { hasKey: operation.security?.length !== 0, mayNotFit: path.endsWith('/export') };
      const problems = failures(method, path, asked).map((status) => [
        status,
        { $ref: `#/components/responses/Problem${status}` },
      ]);
      operation.responses = { ...responses, ...Object.fromEntries(problems), default: otherwise };
    }
}

function schemasInUse({ paths, components }: OpenapiDocument): ReadonlySet<string> {
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [, name] of JSON.stringify(value ?? null).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (name === undefined || used.has(name)) continue;
      used.add(name);
      visit(components?.schemas?.[name]);
    }
  };
  visit(paths);
  return used;
}

type Responses = Readonly<Record<string, { readonly description: string }>>;

const describeResponses = (responses: Responses): Responses =>
  Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const said = response.description !== 'Default Response';
      return [status, said ? response : { ...response, description: STATUS_CODES[status] ?? status }];
    }),
  );

const isAlternative = (value: unknown): value is { readonly anyOf: readonly unknown[] } =>
  typeof value === 'object' && value !== null && 'anyOf' in value && Array.isArray(value.anyOf);

const isTime = (value: unknown): value is { readonly maxLength?: number } =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  value.format === 'date-time' &&
  'pattern' in value;
