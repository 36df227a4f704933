/** Whether peers hang together. Pure. */

/** Who is connected to whom, as each of them says; also to some who are not asked themselves. */
export type Links = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns how many parts a swarm is in: 1 if each reaches every other over connections, however many lie between. */
export function components(links: Links): number {
  const left = new Set(links.keys());
  let count = 0;
  for (const start of links.keys()) {
    if (!left.delete(start)) continue;
    count += 1;
    const ahead = [start];
    for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
      for (const next of links.get(id) ?? []) if (left.delete(next)) ahead.push(next);
    }
  }
  return count;
}

/** Returns how many connections there are; one that both ends see counts once. */
export function connections(links: Links): number {
  const pairs = new Set<string>();
  for (const [id, others] of links) for (const other of others) if (links.has(other)) pairs.add(id < other ? `${id} ${other}` : `${other} ${id}`);
  return pairs.size;
}
