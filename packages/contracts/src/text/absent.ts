// Fields that are null: whoever writes them means that they are absent.

/** The value with every field left out, at any depth, that is null; itself where there is none. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value);
  const kept = fields.flatMap(([name, field]) => (field === null ? [] : [[name, withoutNulls(field)] as const]));
  const same = kept.length === fields.length && kept.every(([, field], index) => field === fields[index]![1]);
  return same ? value : Object.fromEntries(kept);
}
