/*
 * bare_http.c - a server that gives one answer to everything: what libmicrohttpd
 * costs by itself. A few threads, one response that is made once.
 *
 * usage: bare_http PORT FILE THREADS: FILE is an answer as it came over the wire; its
 * header fields and its body are sent, but Date and Content-Length are the library's.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ANSWER_MAX (1024 * 1024)

static enum MHD_Result
handle_request(void *response, struct MHD_Connection *mhd, const char *url, const char *method,
			   const char *version, const char *data, size_t *size, void **context)
{
	static int	begun;

	(void) url;
	(void) method;
	(void) version;
	(void) data;
	(void) size;
	/* the first call is for the head alone: an answer to it would end the connection */
	if (*context == NULL)
	{
		*context = &begun;
		return MHD_YES;
	}
	return MHD_queue_response(mhd, MHD_HTTP_OK, response);
}

/* Add the fields between the status line and the empty line, which is cut up for that. */
static int
add_fields(struct MHD_Response *response, char *head)
{
	char	   *line = strtok(head, "\r\n");

	while ((line = strtok(NULL, "\r\n")) != NULL)
	{
		char	   *value = strchr(line, ':');

		if (value == NULL)
			return 0;
		*value++ = '\0';
		value += strspn(value, " ");
		if (strcasecmp(line, "Date") != 0 && strcasecmp(line, "Content-Length") != 0 &&
			!MHD_add_response_header(response, line, value))
			return 0;
	}
	return 1;
}

int
main(int argc, char **argv)
{
	static char answer[ANSWER_MAX + 1];
	struct MHD_Response *response;
	struct MHD_Daemon *daemon;
	char	   *body;
	size_t		length;
	unsigned	threads;
	FILE	   *file = argc == 4 ? fopen(argv[2], "rb") : NULL;

	if (file == NULL)
	{
		fprintf(stderr, "usage: bare_http PORT FILE THREADS\n");
		return EXIT_FAILURE;
	}
	length = fread(answer, 1, ANSWER_MAX, file);
	fclose(file);
	body = strstr(answer, "\r\n\r\n");
	if (body == NULL)
		return EXIT_FAILURE;
	*body = '\0';
	body += 4;
	length -= (size_t) (body - answer);
	response = MHD_create_response_from_buffer(length, body, MHD_RESPMEM_PERSISTENT);
	if (response == NULL || !add_fields(response, answer))
		return EXIT_FAILURE;
	threads = (unsigned) strtoul(argv[3], NULL, 10);
	/* a pool is of two or more */
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t) strtoul(argv[1], NULL, 10), NULL, NULL,
							  handle_request, response, MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0,
							  MHD_OPTION_END);
	if (daemon == NULL)
		return EXIT_FAILURE;
	pause();
	return EXIT_SUCCESS;
}
