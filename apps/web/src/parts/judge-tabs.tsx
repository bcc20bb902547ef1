// Where is judged: the candidates, and what they are judged by.
import { Link } from '@tanstack/react-router';

export function JudgeTabs({ branch }: { readonly branch: string }) {
  return (
    <div className="tabs">
      <Link to="/judge">Candidates</Link>
      <Link to="/gate">The gate of {branch}</Link>
    </div>
  );
}
