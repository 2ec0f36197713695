// Refreshes the page's [data-live] parts every few seconds. Without it the page has a Refresh link,
// and everything else works the same.

/** Between two refreshes, milliseconds: readings come about once a second, people read slower. */
const EVERY_MS = 5_000

async function renew(): Promise<void> {
  if (document.hidden) return
  const parts = document.querySelectorAll<HTMLElement>('[data-live]')
  const busy = [...parts].some((part) => part.contains(document.activeElement))
  if (busy || document.getSelection()?.isCollapsed === false) return
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } })
  if (answer.redirected) location.reload()
  if (!answer.ok || answer.redirected) return
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const part of parts) {
    const name = part.dataset['live'] ?? ''
    const next = fresh.querySelector(`[data-live="${CSS.escape(name)}"]`)
    if (next !== null) part.replaceChildren(...next.childNodes)
  }
}

function again(): void {
  setTimeout(
    () =>
      void renew()
        .catch(() => undefined)
        .finally(again),
    EVERY_MS,
  )
}
again()
