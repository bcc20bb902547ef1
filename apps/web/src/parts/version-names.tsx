// The names that a version is served under now: branches whose head it is, aliases, tags.
import { useWhere } from '../api/models.ts';

export function VersionNames({ id }: { readonly id: string }) {
  const { names, resource } = useWhere();
  const heads = resource?.branches.filter(({ head }) => head === id).map(({ name }) => name) ?? [];
  const others = names.flatMap((listed) => {
    const name = listed.id.slice(listed.name.length + 1);
    const isOther = listed.id !== listed.name && !resource?.branches.some((branch) => branch.name === name);
    return isOther && listed.model_id === resource?.model_id && listed.version === id ? [name] : [];
  });
  if (heads.length + others.length === 0) return null;
  return (
    <span className="row">
      {heads.map((name) => (
        <span key={name} className="badge live">
          head of {name}
        </span>
      ))}
      {others.map((name) => (
        <span key={name} className="badge good">
          {name}
        </span>
      ))}
    </span>
  );
}
