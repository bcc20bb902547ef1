// What each operation of the document is called and may answer when it fails: both follow from its verb and path.
import { type ErrorCode, errorCatalogue } from '@errata/contracts';

/** Last parts of paths that are done to what stands before them. */
const actions = [
  'approve',
  'cancel',
  'drain',
  'keep',
  'pause',
  'reject',
  'replay',
  'restore',
  'resume',
  'retry',
  'rotate',
  'test',
  'trigger',
];

const verbs: Readonly<Record<string, string>> = {
  get: 'get',
  post: 'create',
  put: 'set',
  patch: 'change',
  delete: 'delete',
};

const isParameter = (part: string | undefined): boolean => part?.startsWith('{') === true;
const camel = (part: string): string => part.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
const capital = (part: string): string => part.charAt(0).toUpperCase() + part.slice(1);
/** `branches` to `branch`, `cases` to `case`, `deliveries` to `delivery`. */
const singular = (part: string): string => part.replace(/ies$/, 'y').replace(/(?<=ch|alias)es$|(?<!s)s$/, '');

/**
 * The name of an operation: `listModels`, `getBranchPolicy`, `cancelJob`. Branches, tags and their like are called by themselves and not by their model.
 * @param lists whether it answers with a page
 */
export function operationId(method: string, path: string, lists: boolean): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== 'v1');
  const named = parts[0] === 'models' && parts.length > 2 ? parts.slice(2) : parts;
  const last = named.at(-1)!;
  const acts = method === 'post' && actions.includes(last) && isParameter(named.at(-2));
  const nouns = (acts ? named.slice(0, -1) : named).flatMap((part, index, all) => {
    if (isParameter(part)) return [];
    const one = isParameter(all[index + 1]) || (method === 'post' && part === all.at(-1));
    return [capital(camel(one ? singular(part) : part))];
  });
  const verb = acts ? last : method === 'get' && lists ? 'list' : verbs[method]!;
  return verb + nouns.join('');
}

/** Statuses that any request may be answered with, and those of requests of some kind. */
const always = [400, 429, 500, 503, 504];
const keyed = [401, 403];
const naming = [404];
const writing = [409, 413, 422];

/** Statuses of an operation that fails. */
export function failures(
  method: string,
  path: string,
  { hasKey, mayNotFit }: { readonly hasKey: boolean; readonly mayNotFit: boolean },
): readonly number[] {
  return [
    ...always,
    ...(hasKey ? keyed : []),
    ...(path.includes('{') || method === 'post' ? naming : []),
    ...(method === 'get' ? [] : writing),
    ...(method === 'get' && mayNotFit ? [422] : []),
  ].sort((a, b) => a - b);
}

/** The problems of each status with their codes, as parts of the document that responses refer to. */
export const problemResponses = Object.fromEntries(
  [...new Set(Object.values(errorCatalogue).map(({ status }) => status))].map((status) => [
    `Problem${status}`,
    {
      description: (Object.keys(errorCatalogue) as ErrorCode[])
        .filter((code) => errorCatalogue[code].status === status)
        .map(
          (code) =>
            `\`${code}\`: ${errorCatalogue[code].title}${errorCatalogue[code].retryable ? '; trying again may help' : ''}.`,
        )
        .join('\n\n'),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ]),
);
