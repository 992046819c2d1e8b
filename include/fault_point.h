/* fault_point.h: named places at which a test ends the process, or holds it up.
 *
 * In a usual build a point is nothing at all.  With FAULT_POINTS=ON each looks whether the
 * environment names it, as it was when the first point was reached:
 *
 *     WALLTRACK_FAULT=NAME:COUNT:ACTION      at its COUNTth time
 *
 * ACTION is "kill", "abort", a pause in milliseconds, or one and then the other: "50kill".
 * Not part of what plugins are built against: it is not installed.
 */
#ifndef FAULT_POINT_H
#define FAULT_POINT_H

#ifdef FAULT_POINTS
void fault_point(const char *name);
#define FAULT_POINT(name) fault_point(name)
#else
#define FAULT_POINT(name) ((void)0)
#endif

#endif
