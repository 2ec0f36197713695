// The keyboard: `/` leads to the search field, and a box in the head of a list ticks all its rows.
// Without this both are reached as everything else on the page.

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select') !== null)
  )
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  const field = document.querySelector<HTMLInputElement>(`[data-key="${CSS.escape(event.key)}"]`)
  if (field === null) return
  event.preventDefault()
  field.focus()
  field.select()
})

for (const all of document.querySelectorAll<HTMLInputElement>('[data-ticks]')) {
  all.hidden = false
  all.addEventListener('change', () => {
    const boxes = document.querySelectorAll<HTMLInputElement>(
      `input[name="${CSS.escape(all.dataset['ticks'] ?? '')}"]`,
    )
    for (const box of boxes) box.checked = all.checked
  })
}
