// Entry point of a page without a timeline, of which only the colours change.

const here = (id) => document.getElementById(id);

const nothing = () => {};

setUpTheme({ repaint: nothing, draw: nothing, timeline: { fit: nothing } });
