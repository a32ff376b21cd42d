// Several runs on one axis: each is moved so that the events of all begin at the same place.

// Moves a run to the right by `by` nanoseconds. Its failures follow from the phase of its lanes.
const shifted = (run, by) => {
  const span = (span) => ({ ...span, from: span.from + by, to: span.to + by });
  const points = (all) => all.map(([from, to, ...rest]) => [from + by, to + by, ...rest]);
  const sides = (all) => all.map((at) => (at === null ? null : at + by));
  const lane = (lane) => ({
    ...lane,
    phase: lane.phase + by,
    latency: points(lane.latency),
    lateness: points(lane.lateness),
    unseen: points(lane.unseen),
    blind: points(lane.blind),
    losses: lane.losses.map((loss) => ({ ...span(loss), began: sides(loss.began), ended: sides(loss.ended) })),
  });
  return {
    ...run,
    end: run.end + by,
    phases: run.phases.map(span),
    acts: run.acts.map(span),
    command: run.command && span(run.command),
    lanes: run.lanes.map(lane),
    held_up: points(run.held_up),
    objects: run.objects.map((object) => ({ ...object, stretches: object.stretches.map(span), member: points(object.member) })),
    events: run.events.map((event) => ({ ...event, at: event.at + by })),
  };
};

// Turns the lanes and failures of a run from their form on the wire into what is drawn.
const unpacked = (run, classes) => {
  const lanes = run.lanes.map((lane) => new Lane(lane, classes));
  return { ...run, classes, lanes, failures: failuresOf(run.failures, lanes) };
};

// The run to be drawn: that of the page, or several as one whose parts have rows of their own.
const runOf = (data) => {
  if (!data.parts) return { origin: 0, ...unpacked(data, data.classes) };
  const parts = data.parts.map(({ name, shift, run }) => {
    const part = { ...unpacked(shifted(run, shift), data.classes), name };
    for (const lane of part.lanes) lane.name = `${name}, ${lane.name}`;
    return part;
  });
  const all = (of) => parts.flatMap(of);
  const [lanes, failures, events] = [all((part) => part.lanes), all((part) => part.failures), all((part) => part.events)];
  const end = Math.max(...parts.map((part) => part.end));
  return { live: false, origin: data.origin, end, classes: data.classes, lanes, failures, events, parts };
};
