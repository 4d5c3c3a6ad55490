/*
 * generations.c - times of writes, and ids of events, by slot.
 *
 * The clock of writes counts µs, and goes on by at least one with each write, so
 * it orders them and tells how long ago one was. A reader who finds the clock
 * advanced but the slot not yet has sent no query before the commit: its
 * answer is as new as the write.
 */
#include "generations.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct writes
{
	_Atomic uint64_t clock;		/* of the last write */
	_Atomic uint64_t slots[GENERATION_SLOTS];
};

struct generations
{
	struct writes *writes;
	unsigned	epoch;
	int64_t		floor;			/* events up to here are not known by slot */
	int64_t		slots[GENERATION_SLOTS];	/* id of the last event */
};

struct writes *
writes_create(void)
{
	return calloc(1, sizeof(struct writes));
}

void
writes_free(struct writes *writes)
{
	free(writes);
}

static uint64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

void
writes_note(struct writes *writes, unsigned slot)
{
	uint64_t	before = atomic_load(&writes->clock);
	uint64_t	now = clock_us();
	uint64_t	time;

	do
		time = now > before ? now : before + 1;
	while (!atomic_compare_exchange_weak(&writes->clock, &before, time));
	before = atomic_load(&writes->slots[slot]);
	while (before < time && !atomic_compare_exchange_weak(&writes->slots[slot], &before, time))
		;
}

struct generations *
generations_create(struct writes *writes)
{
	struct generations *generations = calloc(1, sizeof *generations);

	if (generations != NULL)
		generations->writes = writes;
	return generations;
}

void
generations_free(struct generations *generations)
{
	free(generations);
}

/* Spread ids: neighbours get slots of their own. */
static unsigned
spread(int64_t id, unsigned slots)
{
	return (unsigned) (((uint64_t) id * 0x9e3779b97f4a7c15u) >> 32) & (slots - 1);
}

unsigned
generation_of_user(int64_t user_id)
{
	return GENERATION_FIXED + spread(user_id, GENERATION_USER_SLOTS);
}

unsigned
generation_of_project(int64_t project_id)
{
	return GENERATION_FIXED + GENERATION_USER_SLOTS + spread(project_id, GENERATION_PROJECT_SLOTS);
}

void
generations_event(struct generations *generations, unsigned slot, int64_t event_id)
{
	generations->slots[slot] = event_id;
}

void
generations_reset(struct generations *generations, int64_t position)
{
	generations->epoch++;
	generations->floor = position;
	for (unsigned slot = 0; slot < GENERATION_SLOTS; slot++)
		generations->slots[slot] = 0;
}

struct stamp
generations_stamp(const struct generations *generations, int64_t position)
{
	return (struct stamp) {
		.written = atomic_load(&generations->writes->clock),
		.position = position,
		.epoch = generations->epoch,
	};
}

bool
generations_hold(const struct generations *generations, const struct stamp *stamp, unsigned slot)
{
	return stamp->epoch == generations->epoch &&
		generations->slots[slot] <= stamp->position &&
		atomic_load(&generations->writes->slots[slot]) <= stamp->written;
}

bool
generations_admit(const struct generations *generations, int64_t position, unsigned slot)
{
	uint64_t	written = atomic_load(&generations->writes->slots[slot]);

	return position >= generations->floor && generations->slots[slot] <= position &&
		(written == 0 || clock_us() >= written + GENERATION_SETTLE * 1000);
}
