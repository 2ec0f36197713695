/** The lock whose keyhole is a clock hand, as the icon of a browser tab. */
export const ICON = [
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">',
  '<path d="M7 10V7a5 5 0 0 1 10 0v3" fill="none" stroke="#0f6b63" stroke-width="2.4"/>',
  '<rect x="3" y="9.5" width="18" height="13" rx="4" fill="#0f6b63"/>',
  '<path d="M12 12.6v3.6l2.6 1.8" fill="none" stroke="#fff" stroke-width="1.8"/></svg>',
].join('')
