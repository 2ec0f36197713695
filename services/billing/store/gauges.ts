// Gauges that are read when they are scraped. The registry asks all of them at once, so each waits
// for the same look at the database instead of showing what the last scrape found.

import { Gauge, type Registry } from 'prom-client'

/** A gauge's name and help, and how to set it from the figures; `label` for a gauge that has
 * one. */
export type AddGauge<Figures> = (
  name: string,
  help: string,
  fill: (set: (value: number | null, label?: string) => void, figures: Figures) => void,
  label?: string,
) => void

/** Makes gauges from one look at the database; null means unknown (NaN). */
export function gaugesOf<Figures>(
  registry: Registry,
  read: () => Promise<Figures>,
): AddGauge<Figures> {
  let reading: Promise<Figures> | null = null
  const look = (): Promise<Figures> => {
    reading ??= read().finally(() => {
      reading = null
    })
    return reading
  }
  return (name, help, fill, label) => {
    const gauge: Gauge = new Gauge({
      name: `ticklock_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      async collect() {
        const figures = await look()
        gauge.reset()
        fill((value, of) => {
          const labels = label === undefined || of === undefined ? {} : { [label]: of }
          gauge.set(labels, value ?? Number.NaN)
        }, figures)
      },
    })
  }
}
