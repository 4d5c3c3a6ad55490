/*
 * scrape_process.c - the process as the system sees it, under the names that
 * Prometheus' own clients give to it.
 */
#include "scrape.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "exposition.h"

static uint64_t
microseconds(const struct timespec *time)
{
	return (uint64_t) time->tv_sec * 1000000 + (uint64_t) time->tv_nsec / 1000;
}

/* Bytes of address space and of memory; false when /proc does not tell. */
static bool
read_memory(uint64_t *all, uint64_t *resident)
{
	FILE	   *file = fopen("/proc/self/statm", "re");
	unsigned long pages[2];
	long		size = sysconf(_SC_PAGESIZE);
	bool		good = file != NULL && fscanf(file, "%lu %lu", &pages[0], &pages[1]) == 2 && size > 0;

	if (file != NULL)
		fclose(file);
	*all = good ? pages[0] * (uint64_t) size : 0;
	*resident = good ? pages[1] * (uint64_t) size : 0;
	return good;
}

/* How many descriptors are open, without the one that this look takes; 0 when /proc does not tell. */
static uint64_t
count_descriptors(void)
{
	DIR		   *folder = opendir("/proc/self/fd");
	uint64_t	count = 0;
	const struct dirent *entry;

	if (folder == NULL)
		return 0;
	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count - 1;
}

static void
scrape_memory(struct text *text)
{
	uint64_t	all;
	uint64_t	resident;

	if (!read_memory(&all, &resident))
		return;
	exposition_family(text, "process_virtual_memory_bytes", "gauge", "Address space, in bytes.");
	exposition_number(text, "process_virtual_memory_bytes", "", all);
	exposition_family(text, "process_resident_memory_bytes", "gauge", "Memory, in bytes.");
	exposition_number(text, "process_resident_memory_bytes", "", resident);
}

static void
scrape_descriptors(struct text *text)
{
	struct rlimit limit;

	exposition_family(text, "process_open_fds", "gauge", "Open file descriptors.");
	exposition_number(text, "process_open_fds", "", count_descriptors());
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	exposition_family(text, "process_max_fds", "gauge", "How many the system allows.");
	exposition_number(text, "process_max_fds", "", (uint64_t) limit.rlim_cur);
}

void
scrape_process(const struct metrics *metrics, struct text *text)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
	{
		exposition_family(text, "process_cpu_seconds_total", "counter", "Processor time of user and system, in seconds.");
		exposition_seconds(text, "process_cpu_seconds_total", "", microseconds(&used));
	}
	scrape_memory(text);
	scrape_descriptors(text);
	exposition_family(text, "process_start_time_seconds", "gauge", "When it was started, in seconds since 1970.");
	exposition_seconds(text, "process_start_time_seconds", "", microseconds(&metrics->started));
	exposition_family(text, "timetrackr_worker_cpu_seconds_total", "counter", "Processor time of each event loop, in seconds.");
	for (size_t i = 0; i < metrics->worker_count; i++)
	{
		clockid_t	clock = atomic_load(&metrics->workers[i]->clock);
		char		label[32];

		if (clock == 0 || clock_gettime(clock, &used) != 0)
			continue;
		snprintf(label, sizeof label, "worker=\"%zu\"", i);
		exposition_seconds(text, "timetrackr_worker_cpu_seconds_total", label, microseconds(&used));
	}
}
