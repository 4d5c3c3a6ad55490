/*
 * rendered.c - a body with its count of holders.
 */
#include "rendered.h"

#include <stdlib.h>
#include <string.h>

#include "gzip.h"

/* About what the HTTP side keeps for a form, most of it headers. */
#define READY_SIZE 1280

struct rendered *
rendered_create(const char *body, size_t length, const char *link)
{
	size_t		link_size = link != NULL ? strlen(link) + 1 : 0;
	struct rendered *rendered = malloc(sizeof *rendered + length + 1 + link_size);
	char	   *copy;

	if (rendered == NULL)
		return NULL;
	copy = (char *) (rendered + 1);
	memcpy(copy, body, length);
	copy[length] = '\0';
	if (link != NULL)
		memcpy(copy + length + 1, link, link_size);
	*rendered = (struct rendered) {
		.length = length, .body = copy, .link = link != NULL ? copy + length + 1 : NULL, .holders = 1
	};
	etag_make(rendered->etag, copy, length);
	return rendered;
}

struct rendered *
rendered_hold(struct rendered *rendered)
{
	rendered->holders++;
	return rendered;
}

void
rendered_release(void *holder)
{
	struct rendered *rendered = holder;

	if (rendered == NULL || --rendered->holders > 0)
		return;
	for (size_t i = 0; i < RENDERED_FORMS; i++)
		if (rendered->ready[i] != NULL)
			rendered->free_ready(rendered->ready[i]);
	free(rendered->gzip);
	free(rendered);
}

const char *
rendered_gzip(struct rendered *rendered, size_t *length)
{
	if (!rendered->compressed && rendered->length > GZIP_LEAST)
		rendered->gzip = gzip_compress(rendered->body, rendered->length, GZIP_KEPT, &rendered->gzip_length);
	rendered->compressed = true;
	*length = rendered->gzip_length;
	return rendered->gzip;
}

void **
rendered_ready(struct rendered *rendered, const char *body, bool is_304, void (*free_ready) (void *ready))
{
	rendered->free_ready = free_ready;
	return &rendered->ready[(body != rendered->body ? 1 : 0) + (is_304 ? 2 : 0)];
}

size_t
rendered_size(const struct rendered *rendered)
{
	size_t		size = sizeof *rendered + rendered->length + 1 + (rendered->gzip != NULL ? rendered->gzip_length : 0) +
		(rendered->link != NULL ? strlen(rendered->link) + 1 : 0);

	for (size_t i = 0; i < RENDERED_FORMS; i++)
		size += rendered->ready[i] != NULL ? READY_SIZE : 0;
	return size;
}
