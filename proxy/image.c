/*
 * image.c - see image.h.
 */
#include "image.h"

#include <strings.h>

const char *const image_types[IMAGE_TYPE_COUNT] = {
	"image/png", "image/jpeg", "image/gif", "image/webp",
};

const char *
image_type(const char *content_type)
{
	for (size_t i = 0; content_type != NULL && i < IMAGE_TYPE_COUNT; i++)
		if (strcasecmp(content_type, image_types[i]) == 0)
			return image_types[i];
	return NULL;
}
