// What was measured before the page was opened.
