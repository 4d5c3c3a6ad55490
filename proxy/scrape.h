/*
 * scrape.h - all that is counted in this process, as one page of Prometheus' text.
 */
#ifndef TIMETRACKR_SCRAPE_H
#define TIMETRACKR_SCRAPE_H

#include "metrics.h"
#include "text.h"
#include "worker.h"

#define SCRAPE_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Write the page. Any thread may call it. */
void		scrape(const struct worker_shared *shared, struct text *text);

/* Of the process: processor time, memory, descriptors. Also in scrape(). */
void		scrape_process(const struct metrics *metrics, struct text *text);

#endif
