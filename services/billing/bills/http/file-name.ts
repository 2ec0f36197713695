/** A bill number as a file name: nothing in it can end or extend the header. */
export const fileName = (number: string): string =>
  `${number.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.pdf`
