"""Reading XLSX workbooks (ECMA-376, Office Open XML) row by row, in little memory and time.

The usual library takes three times as long and keeps every text as an object, too much for a roster of 500,000, and it
gives up on workbooks whose colours and borders it does not understand. Of the format only what holds the values is read
here: the list of sheets, which number formats are dates, the shared strings, and the cells.
"""

from bot.registration.importing.xlsx.workbook import Workbook

__all__ = ["Workbook"]
