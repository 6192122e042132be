// Every layout that kernels read: what isa_NAME.cpp includes before plain.inl, whose tables name them.
#pragma once

#include "layouts/panel16.h"
