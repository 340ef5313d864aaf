/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small objects: pages cut into objects of one size class each. Larger ones
 * are pages of their own.
 *
 * A slab page starts with a header; a pointer is found to belong to one by its
 * page (virt_to_page), not by its alignment. Objects of more than MAX_SMALL bytes
 * are whole pages: those start at a page border, which no small object does.
 */
#include <xen/lib.h>
#include <xen/list.h>
#include <xen/mm.h>
#include <xen/spinlock.h>

#define SLAB_MAGIC  0x534c4142U
#define POISON_FREE 0x6b
/*
 * The largest class puts two objects on a page. A multiple of 64 bytes, up to 512, falls into a class that is one,
 * and so is aligned to 64 bytes: the virtual APIC needs that.
 */
#define MAX_SMALL 2016
static const u16 class_size[] = { 32, 48, 64, 96, 128, 192, 256, 384, 512, 672, 1008, MAX_SMALL };
#define CLASSES ARRAY_SIZE(class_size)

struct slab {
	struct list_head list; /* in class->partial while an object is free */
	void *free; /* list of free objects through their first word */
	u32 magic;
	u16 used, class;
} __aligned(64);
_Static_assert(sizeof(struct slab) == 64, "objects start after a cache line");
_Static_assert(sizeof(struct slab) + 2 * MAX_SMALL <= PAGE_SIZE, "two on a page");

/*
 * Under slab_lock. A slab that is all free goes back at once: what a domain takes and gives
 * back then leaves as many free pages behind as it found.
 */
static struct slab_class {
	struct list_head partial;
	unsigned int objects; /* in use */
} classes[CLASSES];
static DEFINE_SPINLOCK(slab_lock, RANK_SLAB);

static unsigned int class_of(size_t size)
{
	unsigned int c = 0;

	while (class_size[c] < size)
		c++;
	return c;
}

/* An object just taken must hold what xfree() left in it; then somebody wrote to freed memory. */
static void check_poison(const void *p, size_t size)
{
	const u8 *b = p;

	for (size_t i = sizeof(void *); i < size; i++)
		if (unlikely(b[i] != POISON_FREE))
			panic("freed object %p of %zu bytes was written to: offset %zu holds %#x\n", p, size,
			      i, b[i]);
}

/* A page cut into objects. It is zero, so without debugging objects need no more preparation than the links. */
static struct slab *new_slab(unsigned int class)
{
	struct slab *s = alloc_xenheap_page();
	unsigned int size = class_size[class];

	if (!s)
		return NULL;
	s->magic = SLAB_MAGIC;
	s->class = (u16) class;
	for (size_t at = sizeof(*s); at + size <= PAGE_SIZE; at += size) {
		void **object = (void **)((char *)s + at);

		if (CONFIG_DEBUG)
			memset(object, POISON_FREE, size);
		*object = s->free;
		s->free = object;
	}
	return s;
}

static struct slab *partial_slab(unsigned int class)
{
	struct slab_class *sc = &classes[class];

	if (unlikely(!sc->partial.next))
		INIT_LIST_HEAD(&sc->partial);
	return list_empty(&sc->partial) ? NULL : list_first_entry(&sc->partial, struct slab, list);
}

static void *alloc_small(unsigned int class)
{
	struct slab *s, *fresh = NULL;
	void **object;

	spin_lock(&slab_lock);
	s = partial_slab(class);
	if (unlikely(!s)) {
		spin_unlock(&slab_lock);
		fresh = new_slab(class);
		if (!fresh)
			return NULL;
		spin_lock(&slab_lock);
		/* Its list head is ready: partial_slab() was called above. */
		list_add(&fresh->list, &classes[class].partial);
		s = fresh;
	}
	object = s->free;
	s->free = *object;
	s->used++;
	classes[class].objects++;
	if (!s->free)
		list_del(&s->list);
	spin_unlock(&slab_lock);
	if (CONFIG_DEBUG)
		check_poison(object, class_size[class]);
	return memset(object, 0, class_size[class]);
}

/* The order of a large object is kept in its first frame's entry. */
static void *alloc_large(size_t size)
{
	unsigned int order = get_order_from_bytes(size);
	struct page_info *p = order <= MAX_PAGE_ORDER ? alloc_pages(order, 0) : NULL;

	if (!p)
		return NULL;
	p->order = (u8)order;
	return page_to_virt(p);
}

void *xzalloc_bytes(size_t size)
{
	return size <= MAX_SMALL ? alloc_small(class_of(size)) : alloc_large(size);
}

void *xzalloc_bytes_n(size_t size, size_t n)
{
	size_t bytes;

	return __builtin_mul_overflow(size, n, &bytes) ? NULL : xzalloc_bytes(bytes);
}

static void free_small(void *p)
{
	struct slab *s = (struct slab *)((unsigned long)p & PAGE_MASK), *unused = NULL;
	struct slab_class *sc;
	size_t size;

	BUG_ON(s->magic != SLAB_MAGIC);
	size = class_size[s->class];
	BUG_ON(((unsigned long)p - (unsigned long)s - sizeof(*s)) % size);
	if (CONFIG_DEBUG)
		memset(p, POISON_FREE, size);
	sc = &classes[s->class];

	spin_lock(&slab_lock);
	BUG_ON(!s->used);
	if (!s->free)
		list_add(&s->list, &sc->partial);
	*(void **)p = s->free;
	s->free = p;
	sc->objects--;
	if (!--s->used) {
		list_del(&s->list);
		unused = s;
	}
	spin_unlock(&slab_lock);
	if (unused) {
		unused->magic = 0;
		free_xenheap_page(unused);
	}
}

/* NULL is allowed. */
void xfree(void *p)
{
	if (!p)
		return;
	if ((unsigned long)p & ~PAGE_MASK)
		free_small(p);
	else
		free_pages(virt_to_page(p), virt_to_page(p)->order);
}

void xmalloc_dump(void)
{
	printk("  small objects:");
	for (unsigned int i = 0; i < CLASSES; i++)
		printk(" %ux%u", READ_ONCE(classes[i].objects), class_size[i]);
	printk("\n");
}
