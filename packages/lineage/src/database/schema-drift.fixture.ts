// Two readings of the schema in one form, to be compared: what schema.prisma declares and what the database holds.

export interface TableShape {
  /** `name: type [null] [default]`, sorted. */
  readonly columns: readonly string[];
  /** `unique a, b` or `index a, b`. */
  readonly keys: readonly string[];
  /** `a, b -> table(c, d)`. */
  readonly references: readonly string[];
}

const types: Record<string, string> = {
  String: 'text',
  'String[]': 'text[]',
  Int: 'integer',
  BigInt: 'bigint',
  Float: 'double precision',
  Boolean: 'boolean',
  Json: 'jsonb',
  DateTime: 'timestamp(3) with time zone',
};

const column = (name: string, type: string, nullable: boolean, hasDefault: boolean): string =>
  `${name}: ${type}${nullable ? ' null' : ''}${hasDefault ? ' default' : ''}`;

/** Reads the subset of Prisma's language that our schema uses; an unknown type is an error. */
export function readPrismaSchema(schema: string): Record<string, TableShape> {
  const models = [...schema.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, name = '', body = '']) => {
    const lines = body
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('//'));
    const fields = lines
      .filter((line) => !line.startsWith('@@'))
      .map((line) => {
        const [, field = '', type = '', attributes = ''] = /^(\w+)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
        return { field, type, attributes, column: /@map\("(\w+)"\)/.exec(attributes)?.[1] ?? field };
      });
    return { name, table: /@@map\("(\w+)"\)/.exec(body)![1]!, lines, fields };
  });
  const byName = new Map(models.map((model) => [model.name, model]));
  const tables = models.map(({ table, lines, fields }): [string, TableShape] => {
    const scalar = fields.filter(({ type }) => !byName.has(type.replace(/[?[\]]/g, '')));
    const columnsOf = (list: string, of = fields) =>
      list
        .split(',')
        .map((name) => of.find(({ field }) => field === name.trim())!.column)
        .join(', ');
    const keys = [
      ...scalar.filter(({ attributes }) => /@(id|unique)\b/.test(attributes)).map((field) => `unique ${field.column}`),
      ...lines.flatMap((line) => {
        const [, kind, list] = /^@@(id|unique|index)\(\[([^\]]+)\]\)/.exec(line) ?? [];
        return list === undefined ? [] : [`${kind === 'index' ? 'index' : 'unique'} ${columnsOf(list)}`];
      }),
    ];
    const references = fields.flatMap(({ type, attributes }) => {
      const [, from, to] = /fields: \[([^\]]+)\], references: \[([^\]]+)\]/.exec(attributes) ?? [];
      if (from === undefined || to === undefined) return [];
      const target = byName.get(type.replace('?', ''))!;
      return [`${columnsOf(from)} -> ${target.table}(${columnsOf(to, target.fields)})`];
    });
    const columns = scalar.map((field) => {
      const type = types[field.type.replace('?', '')];
      if (type === undefined) throw new TypeError(`${table}.${field.field}: no column type is known for ${field.type}`);
      return column(field.column, type, field.type.endsWith('?'), field.attributes.includes('@default('));
    });
    return [table, { columns: columns.sort(), keys, references }];
  });
  return Object.fromEntries(tables.sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

/** Reads the catalogue of the database. */
export async function readTables(query: Query): Promise<Record<string, TableShape>> {
  const columns = await query(`
    SELECT relname AS table, attname AS name, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable, atthasdef AS "default"
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> '_migrations' AND attnum > 0 AND NOT attisdropped
    ORDER BY relname, attname`);
  const indexes = await query(`
    SELECT tables.relname AS table, indisunique AS unique,
      (SELECT string_agg(attname, ', ' ORDER BY place) FROM unnest(indkey) WITH ORDINALITY AS parts(attnum, place)
        JOIN pg_attribute ON attrelid = indrelid AND pg_attribute.attnum = parts.attnum) AS columns
    FROM pg_index JOIN pg_class tables ON tables.oid = indrelid
    WHERE relnamespace = 'public'::regnamespace AND indpred IS NULL`);
  const names = (relation: string, numbers: string) => `
    (SELECT string_agg(attname, ', ' ORDER BY place) FROM unnest(${numbers}) WITH ORDINALITY AS parts(attnum, place)
      JOIN pg_attribute ON attrelid = ${relation} AND pg_attribute.attnum = parts.attnum)`;
  const references = await query(`
    SELECT conrelid::regclass::text AS table,
      ${names('conrelid', 'conkey')} || ' -> ' || confrelid::regclass || '(' || ${names('confrelid', 'confkey')} || ')' AS reference
    FROM pg_constraint WHERE contype = 'f'`);
  const tables = [...new Set(columns.map(({ table }) => String(table)))];
  return Object.fromEntries(
    tables.map((table): [string, TableShape] => [
      table,
      {
        columns: columns
          .filter((row) => row.table === table)
          .map((row) => column(String(row.name), String(row.type), row.nullable === true, row.default === true))
          .sort(),
        keys: indexes
          .filter((row) => row.table === table)
          .map((row) => `${row.unique === true ? 'unique' : 'index'} ${String(row.columns)}`),
        references: references.filter((row) => row.table === table).map((row) => String(row.reference)),
      },
    ]),
  );
}
