// The table of routes in docs/api.md, from the document of the API.

interface Operation {
  readonly summary: string;
  readonly security?: readonly { readonly apiKey: readonly string[] }[];
}

const table = /(?<=\| route \| scope \| \|\n\|---\|---\|---\|\n)(?:\|.*\n)*/;

/** The page with its table as the document says. @param document the text of openapi.json */
export function withRoutes(page: string, document: string): string {
  const { paths } = JSON.parse(document) as { paths: Record<string, Record<string, Operation>> };
  const rows = Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(
      ([verb, { summary, security }]) =>
        `| \`${verb.toUpperCase()} ${path}\` | ${security?.[0]?.apiKey[0] ?? 'public'} | ${summary} |\n`,
    ),
  );
  return page.replace(table, () => rows.join(''));
}
