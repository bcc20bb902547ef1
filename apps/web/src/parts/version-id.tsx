// A version by the beginning of its id, which is enough to name it; the whole of it on hover.
export const shortVersion = (id: string): string => (id.startsWith('ver_') ? id.slice(0, 12) : id);

export function VersionId({ id }: { readonly id: string }) {
  return (
    <code className="mono" title={id}>
      {shortVersion(id)}
    </code>
  );
}
