// Package serve is the door for a daemon: the whole program in one process, for those who
// have no Lambda. It runs cycles on the schedule of the functions, carries their decisions
// out itself, builds the dashboard, and shows how it stands to browsers and to Prometheus.
// Like cli and functions it stands before the line discover → measure → decide → act →
// report.
package serve
