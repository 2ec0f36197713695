// The checklist: what is done, what is missing, and the page for each.

import type { PageContext } from '../../kit/context.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import { Badge, Headline, Progress, type Tone } from '../../kit/parts.tsx'
import { progressOf, type Step } from '../core/checklist.ts'

const STATES: Readonly<Record<Step['state'], readonly [Tone, string]>> = {
  done: ['good', 'done'],
  open: ['warn', 'to do'],
  waiting: ['quiet', 'waiting'],
  skipped: ['quiet', 'not needed'],
}

export function StartPage({
  context,
  steps,
}: {
  readonly context: PageContext
  readonly steps: readonly Step[]
}) {
  const { done, all } = progressOf(steps)
  const next = steps.find(({ state }) => state === 'open')
  const lead =
    done === all
      ? 'Everything is set up. What needs attention from now on has a page of its own.'
      : 'In this order it takes an afternoon; any other order works too. The page looks for itself.'
  return (
    <Layout context={context} title="Checklist" width="reading" live>
      <Headline title="From an empty database to the first bill" lead={lead}>
        <a href="/">{done === all ? 'Go on' : 'Skip for now'}</a>
      </Headline>
      <div class="page-part" data-live="steps">
        <section class="card card-flush" aria-label="Steps">
          <div class="card-head">
            <Progress
              label="Steps that are settled"
              value={done}
              max={all}
              text={`${done} of ${all} settled`}
            />
          </div>
          <ol class="steps">
            {steps.map((step) => (
              <StepRow key={step.name} context={context} step={step} isNext={step === next} />
            ))}
          </ol>
        </section>
      </div>
    </Layout>
  )
}

function StepRow(props: {
  readonly context: PageContext
  readonly step: Step
  /** The first that is to do: its button stands out. */
  readonly isNext: boolean
}) {
  const { context, step, isNext } = props
  const [tone, text] = STATES[step.state]
  // A page of one device, say, exists where their list does.
  const leads = context.isPage(/^\/[a-z-]+/.exec(step.href)?.[0] ?? '')
  return (
    <li>
      <div>
        <Badge tone={tone}>{text}</Badge>
      </div>
      <div>
        <h2>{step.title}</h2>
        <p class="soft">{step.words}</p>
      </div>
      <div class="actions">
        {step.optional && step.state !== 'done' && <SkipButton context={context} step={step} />}
        {leads && (
          <a class={isNext ? 'button' : 'button button-quiet'} href={step.href}>
            {step.action}
          </a>
        )}
      </div>
    </li>
  )
}

function SkipButton({ context, step }: { readonly context: PageContext; readonly step: Step }) {
  const skipped = step.state === 'skipped'
  return (
    <form method="post" action="/start/skip">
      <FormToken context={context} />
      <input type="hidden" name="step" value={step.name} />
      <input type="hidden" name="skip" value={skipped ? 'no' : 'yes'} />
      <button class="plain" type="submit">
        {skipped ? 'Needed after all' : 'Not needed'}
        <span class="unseen">: {step.title}</span>
      </button>
    </form>
  )
}
