/** "Show it again": asked by a softphone (`refreshView`); pages that show something listen. */
const watchers = new Set<() => void>();

export function onRefresh(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function refreshPages(): void {
  for (const watcher of [...watchers]) watcher();
}
